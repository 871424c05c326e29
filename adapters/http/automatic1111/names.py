"""AUTOMATIC1111's names of the fields of a request, and of formats, where they differ."""

from collections.abc import Mapping

from domain.generation.output_formats import OutputFormat

__all__ = ["JPG", "NAMES", "named_format"]

NAMES: Mapping[str, str] = {
    "guidance_scale": "cfg_scale",
    "num_inference_steps": "steps",
    "num_images": "batch_size",
    "scheduler": "sampler_name",
}
JPG = "jpg"


def named_format(name: object) -> object:
    """Return this service's name of a format of AUTOMATIC1111's API. Other values do not change."""
    return OutputFormat.JPEG.value if name == JPG else name
