"""Settings of the web UI that change its pictures, with the values that this service accepts.

Source of names and defaults: the web UI 1.10, `modules/shared_options.py`. A setting that is not
listed changes no picture, or belongs to another tool. It is accepted and has no effect.
"""

from collections.abc import Mapping

from adapters.http.automatic1111.unsupported.scripts import NO_CHECKPOINT
from adapters.http.automatic1111.unsupported.verdicts import Rule, nothing_but, only

__all__ = ["AT_REST", "NEVER_ZERO", "READ_SETTINGS", "SETTING_RULES"]

READ_SETTINGS = frozenset(
    {
        *("sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers", "samples_format"),
        "jpeg_quality",
    }
)
"""The settings that the service reads."""

AT_REST: Mapping[str, tuple[object, ...]] = {
    # Networks in addition to the checkpoint's own.
    "sd_unet": ("Automatic", *NO_CHECKPOINT),
    "sd_hypernetwork": NO_CHECKPOINT,
    "sd_lora": NO_CHECKPOINT,
    "forge_additional_modules": (),
    "sd_vae_decode_method": ("Full",),
    "face_restoration": (),
    "tiling": (),
    "token_merging_ratio": (),
    # Noise.
    "randn_source": ("GPU", "CPU"),
    "eta_noise_seed_delta": (),
    "eta_ddim": (),
    "eta_ancestral": (1,),
    "s_churn": (),
    "s_noise": (1,),
    "s_min_uncond": (),
    "sd_noise_schedule": ("Default",),
    "sgm_noise_multiplier": (),
    # Steps.
    "k_sched_type": ("Automatic",),
    "sigma_min": (),
    "sigma_max": (),
    "rho": (),
    "ddim_discretize": ("uniform",),
    "uni_pc_variant": ("bh1",),
    "uni_pc_skip_type": ("time_uniform",),
    "uni_pc_order": (3,),
    "beta_dist_alpha": (0.6,),
    "beta_dist_beta": (0.6,),
    "always_discard_next_to_last_sigma": (),
    "skip_early_cond": (),
    # Faults of earlier releases, kept to reproduce their pictures.
    "use_old_emphasis_implementation": (),
    "use_old_karras_scheduler_sigmas": (),
    "use_old_scheduling": (),
    "use_downcasted_alpha_bar": (),
    # Drawing from pictures.
    "img2img_fix_steps": (),
    "img2img_color_correction": (),
    "img2img_extra_noise": (),
    "img2img_background_color": ("#ffffff", "#FFFFFF", "white"),
    "initial_noise_multiplier": (1,),
    "inpainting_mask_weight": (1,),
    "overlay_inpaint": (True,),
    "return_mask": (),
    "return_mask_composite": (),
    "sd_vae_encode_method": ("Full",),
    "upscaler_for_img2img": NO_CHECKPOINT,
    "token_merging_ratio_img2img": (),
    # The second pass.
    "use_old_hires_fix_width_height": (),
    "hires_fix_refiner_pass": ("second pass",),
    "token_merging_ratio_hr": (),
    # SDXL's conditioning on sizes and crops.
    "sdxl_crop_top": (),
    "sdxl_crop_left": (),
    # How prompts are read.
    "emphasis": ("Original",),
    "enable_emphasis": (True,),
    "enable_prompt_comments": (True,),
    "comma_padding_backtrack": (20,),
    "sdxl_clip_l_skip": (),
}
"""The values that each setting may have, besides none."""

NEVER_ZERO = frozenset(
    {
        *("eta_ancestral", "s_noise", "initial_noise_multiplier", "inpainting_mask_weight"),
        *("overlay_inpaint", "enable_emphasis", "enable_prompt_comments"),
        "comma_padding_backtrack",
    }
)
"""The settings whose zero, or false, would change the picture."""

SETTING_RULES: Mapping[str, Rule] = {
    name: only(*values) if name in NEVER_ZERO else nothing_but(*values)
    for name, values in AT_REST.items()
}
"""The rule for each setting."""
