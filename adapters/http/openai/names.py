"""The OpenAI API's names of the fields of a request, where they differ."""

from collections.abc import Mapping

__all__ = ["NAMES"]

NAMES: Mapping[str, str] = {
    "model_id": "model",
    "num_images": "n",
    "quality": "output_compression",
    "width": "size",
    "height": "size",
    "init_image": "image",
    "init_image.id": "image",
    "init_image.base64": "image",
    "mask_image.id": "mask_image",
    "mask_image.base64": "mask_image",
}
