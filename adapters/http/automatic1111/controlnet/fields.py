"""The fields of a unit of ControlNet: which are read, and the rules for the others.

Source of names, defaults and aliases: sd-webui-controlnet 1.1.455, `internal_controlnet/args.py`;
the last rules are of its copy in the web UI's successor Forge.
"""

from collections.abc import Mapping

from adapters.http.automatic1111.unsupported.verdicts import Rule, no_effect, nothing_but

__all__ = ["ALIASES", "READ", "RULES"]

ALIASES: Mapping[str, str] = {
    "guidance": "guidance_end",
    "lowvram": "low_vram",
    "input_image": "image",
    "mask_image": "mask",
    "guessmode": "guess_mode",
}
"""Names of earlier releases and of Forge."""
READ = frozenset(
    {
        *("enabled", "module", "model", "weight", "image", "mask", "resize_mode", "processor_res"),
        *("threshold_a", "threshold_b", "guidance_start", "guidance_end", "pixel_perfect"),
        *("control_mode", "hr_option", "save_detected_map", "inpaint_crop_input_image"),
    }
)
"""The fields of a unit that are read."""
RULES: Mapping[str, Rule] = {
    "low_vram": no_effect,
    "is_ui": no_effect,
    "output_dir": no_effect,
    # A folder of pictures, and a picture of the run before.
    "input_mode": nothing_but("simple", "InputMode.SIMPLE"),
    "batch_images": nothing_but(),
    "loopback": nothing_but(),
    # Weights of layers and regions, and the inputs of other kinds of models.
    "advanced_weighting": nothing_but(),
    "effective_region_mask": nothing_but(),
    "ipadapter_input": nothing_but(),
    "pulid_mode": no_effect,
    "union_control_type": no_effect,
    # Earlier releases.
    "invert_image": nothing_but(),
    "rgbbgr_mode": nothing_but(),
    # Forge.
    "use_preview_as_input": nothing_but(),
    "generated_image": no_effect,
    "image_fg": nothing_but(),
    "mask_image_fg": nothing_but(),
    "batch_image_dir": nothing_but(),
    "batch_mask_dir": nothing_but(),
    "batch_input_gallery": nothing_but(),
    "batch_mask_gallery": nothing_but(),
}
"""The rule for each field of a unit that is not read. Others are ignored, and named."""
