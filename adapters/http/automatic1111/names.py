"""AUTOMATIC1111's names of the fields of a request, where they differ."""

from collections.abc import Mapping

__all__ = ["NAMES"]

NAMES: Mapping[str, str] = {
    "guidance_scale": "cfg_scale",
    "num_inference_steps": "steps",
    "num_images": "batch_size",
    "scheduler": "sampler_name",
}
