"""The rules for the fields of AUTOMATIC1111's API that this service does not read.

Source of names and defaults: the web UI 1.10, `modules/api/models.py` and `modules/processing.py`
(`StableDiffusionProcessing` and its subclasses for `txt2img` and `img2img`); `hr_cfg`,
`hr_distilled_cfg` and `hr_additional_modules` are of its successor Forge. Unknown fields are
ignored, as in AUTOMATIC1111's API. Unlike it, this service names them in the answer's `info`.
"""

from collections.abc import Mapping

from adapters.http.automatic1111.unsupported import judges
from adapters.http.automatic1111.unsupported.scripts import NO_CHECKPOINT, scripts_rule
from adapters.http.automatic1111.unsupported.second_pass import (
    SECOND_PASS_RULES,
    SECOND_PASS_VALUES,
)
from adapters.http.automatic1111.unsupported.tables import SCRIPTS, SETTINGS, FieldTable
from adapters.http.automatic1111.unsupported.verdicts import Rule, no_effect, nothing_but, only

__all__ = ["IMG2IMG", "TXT2IMG"]

_READ = frozenset(
    {
        *("prompt", "negative_prompt", "steps", "cfg_scale", "width", "height", "seed"),
        *("batch_size", "n_iter", "sampler_name", "sampler_index", "scheduler", "send_images"),
        *("denoising_strength", "clip_skip", SETTINGS),
    }
)

_RULES: Mapping[str, Rule] = {
    # Variations of the noise.
    "subseed_strength": nothing_but(),
    "subseed": no_effect,
    "seed_resize_from_h": judges.seed_size,
    "seed_resize_from_w": judges.seed_size,
    "eta": judges.ancestral_noise,
    "s_noise": judges.noise_factor,
    "s_churn": nothing_but(),
    "s_tmin": no_effect,
    "s_tmax": no_effect,
    "s_min_uncond": nothing_but(),
    # Other networks.
    "refiner_checkpoint": judges.refiner,
    "refiner_switch_at": no_effect,
    "restore_faces": nothing_but(),
    "tiling": nothing_but(),
    "styles": judges.styles,
    # Scripts.
    "script_name": nothing_but(*NO_CHECKPOINT),
    "script_args": no_effect,
    SCRIPTS: scripts_rule,
    # A request inside the request.
    "infotext": nothing_but(),
    # Earlier releases of ControlNet's extension took its units here.
    "controlnet_units": nothing_but(),
    # Where pictures are saved, the names of tasks, and which settings are restored afterwards.
    **dict.fromkeys(
        (
            *("save_images", "do_not_save_samples", "do_not_save_grid", "force_task_id"),
            *("override_settings_restore_afterwards", "disable_extra_networks", "comments"),
        ),
        no_effect,
    ),
}

_MAY_BE: Mapping[str, tuple[object, ...]] = {
    "eta": (1,),
    "s_noise": (1,),
    "seed_resize_from_h": (-1,),
    "seed_resize_from_w": (-1,),
    "refiner_checkpoint": NO_CHECKPOINT,
    "script_name": NO_CHECKPOINT,
}
_REMEDIES: Mapping[str, str] = {
    "controlnet_units": "send the units as alwayson_scripts.ControlNet.args",
}
_OTHER_ROUTE = "send it to /sdapi/v1/img2img, which draws from pictures"

TXT2IMG = FieldTable(
    read=_READ
    | {
        *("enable_hr", "hr_scale", "hr_upscaler", "hr_second_pass_steps", "hr_resize_x"),
        *("hr_resize_y", "hr_checkpoint_name"),
    },
    rules={
        **_RULES,
        **SECOND_PASS_RULES,
        # Fields of `img2img`, which would draw another picture.
        "init_images": nothing_but([None]),
        "mask": nothing_but(),
    },
    may_be={**_MAY_BE, **SECOND_PASS_VALUES, "init_images": ([None],)},
    remedies={**_REMEDIES, "init_images": _OTHER_ROUTE, "mask": _OTHER_ROUTE},
)
"""The fields of `txt2img`."""

IMG2IMG = FieldTable(
    read=_READ
    | {
        *("init_images", "mask", "resize_mode", "mask_blur", "mask_blur_x", "mask_blur_y"),
        *("inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding"),
        *("inpainting_mask_invert", "image_cfg_scale", "initial_noise_multiplier"),
        "include_init_images",
    },
    rules={
        **_RULES,
        # Another mask for the noise than for the picture, and one that is not rounded.
        "latent_mask": nothing_but(),
        "mask_round": only(True),
    },
    may_be={**_MAY_BE, "mask_round": (True,)},
    remedies=_REMEDIES,
)
"""The fields of `img2img`."""
