"""AUTOMATIC1111's names of the fields of a request, and of formats, where they differ."""

from collections.abc import Mapping

from domain.generation.output_formats import OutputFormat

__all__ = ["JPG", "NAMES", "named_format"]

NAMES: Mapping[str, str] = {
    "guidance_scale": "cfg_scale",
    "num_inference_steps": "steps",
    "num_images": "batch_size",
    "scheduler": "sampler_name",
    "init_image": "init_images",
    "init_image.base64": "init_images",
    "strength": "denoising_strength",
    "mask_image": "mask",
    "mask_image.base64": "mask",
    "mask_content": "inpainting_fill",
    "inpaint_area": "inpaint_full_res",
    "inpaint_padding": "inpaint_full_res_padding",
    "image_guidance_scale": "image_cfg_scale",
    "noise_multiplier": "initial_noise_multiplier",
    "second_pass": "enable_hr",
    "second_pass.scale": "hr_scale",
    "second_pass.strength": "denoising_strength",
    "second_pass.num_inference_steps": "hr_second_pass_steps",
    "second_pass.upscaler": "hr_upscaler",
}
JPG = "jpg"


def named_format(name: object) -> object:
    """Return this service's name of a format of AUTOMATIC1111's API. Other values do not change."""
    return OutputFormat.JPEG.value if name == JPG else name
