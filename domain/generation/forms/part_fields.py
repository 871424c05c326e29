"""The fields of a request for its parts: pictures that are sent, the second pass and upscaling.

APIs have these fields beside those of `FIELDS`. Their names are flat, but for the two objects
`second_pass` and `upscale`: `second_pass.scale` is the field `scale` of the first. The limits and
the defaults are those of the parts, which are values that check themselves.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from domain.generation.fields import MODEL_NAME, RequestField
from domain.generation.parts import SecondPass, SourceImage, Upscale
from domain.limits import Limit
from domain.pictures import PictureId

__all__ = ["OBJECTS", "PART_FIELDS", "PICTURES", "SOURCE_FIELDS", "PartField"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartField(RequestField):
    """A field for a part of a request, as every API has it.

    Attributes:
        default: The default; None for none.
        needs: The field without which it has no meaning; empty for none.
        is_picture: Whether its value is a picture. Its limit is then that of the picture's id.
    """

    default: Any = None
    needs: str = ""
    is_picture: bool = False


_PICTURE_ID = PictureId(64, 64)
_NO_MODEL_NEEDED = " or ".join(f"`{word}`" for word in SecondPass.UPSCALERS)

_TOLD: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (
        "init_image",
        {
            "label": "Start from",
            "meaning": "The picture that the drawing starts from: `base64` is its file, `id` names "
            "one that was sent or drawn before. Without `width` and `height` the result has its "
            "size, scaled to fit the model, in multiples of 8.",
        },
    ),
    (
        "strength",
        {
            "label": "Strength",
            "example": 0.75,
            "meaning": "How much is drawn again: the share of the steps that run. 0 is the picture "
            "itself, and 1 draws freely.",
        },
    ),
    (
        "resize_mode",
        {
            "label": "Resize",
            "meaning": "How `init_image` and `mask_image` get the requested size: `stretch` "
            "changes the proportions, `crop` cuts off what is too much, `pad` repeats the "
            "pixels of the edge.",
        },
    ),
    (
        "mask_image",
        {
            "label": "Mask",
            "meaning": "The part of `init_image` to draw again: white and transparent is drawn, "
            "black stays, grey mixes.",
        },
    ),
    (
        "mask_blur",
        {"label": "Mask blur", "example": 4, "meaning": "Pixels of Gaussian blur of the mask."},
    ),
    (
        "mask_content",
        {
            "label": "Mask content",
            "meaning": "What is under the mask when the drawing starts: the `original`, a `fill` "
            "of the colours around it, `noise`, or `empty`.",
        },
    ),
    (
        "inpaint_area",
        {
            "label": "Area",
            "meaning": "What is drawn: the `whole` picture, or the box of the mask at full size, "
            "which is then put back: into the picture at the requested size (`masked`), or at its "
            "own size (`in_place`).",
        },
    ),
    (
        "inpaint_padding",
        {
            "label": "Padding",
            "example": 32,
            "meaning": "Pixels around the box of the mask that the drawing sees too.",
        },
    ),
    (
        "image_guidance_scale",
        {
            "label": "Image guidance",
            "default": SourceImage.DEFAULT_IMAGE_GUIDANCE,
            "meaning": "How closely to keep `init_image`, for models with eight channels "
            "(instruct-pix2pix) alone.",
        },
    ),
    (
        "noise_multiplier",
        {
            "label": "Noise",
            "example": 1.0,
            "meaning": "The factor of the noise that is added to `init_image`: less than 1 gives "
            "smoother pictures, and more than 1 gives more detail.",
        },
    ),
    (
        "second_pass.scale",
        {
            "label": "Second pass: scale",
            "example": 2.0,
            "meaning": "The factor of the width and the height. The result has at most 2048 pixels "
            "a side.",
        },
    ),
    (
        "second_pass.strength",
        {
            "label": "Second pass: strength",
            "meaning": "How much of the enlarged picture is drawn again.",
        },
    ),
    (
        "second_pass.num_inference_steps",
        {
            "label": "Second pass: steps",
            "meaning": "The number of denoising steps; as for the first pass if left out. "
            "`strength` is the share of them that runs.",
        },
    ),
    (
        "second_pass.upscaler",
        {
            "label": "Second pass: upscaler",
            "limit": MODEL_NAME,
            "meaning": f"How the picture is enlarged: {_NO_MODEL_NEEDED}, or an upscaler model by "
            "any of its names.",
        },
    ),
    (
        "upscale.model_id",
        {
            "label": "Upscaler",
            "limit": MODEL_NAME,
            "example": "upscaler",
            "meaning": "The upscaler model, by any of its names.",
        },
    ),
    (
        "upscale.scale",
        {
            "label": "Upscale",
            "meaning": "The factor of the width and the height; that of the model if left out. "
            "The result has at most 64 megapixels.",
        },
    ),
)

_PARTS: Mapping[str, type] = {"": SourceImage, "second_pass": SecondPass, "upscale": Upscale}

OBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "second_pass": "Draws the picture, enlarges it, and draws it again (hires fix).",
        "upscale": "Enlarges the finished picture with an upscaler model.",
    }
)
"""The fields that are objects, with their meanings. Each is left out by default."""


def _row(name: str, told: Mapping[str, Any]) -> PartField:
    within, _, own = name.rpartition(".")
    part: Any = _PARTS[within]
    default = next(each.default for each in dataclasses.fields(part) if each.name == own)
    is_picture = own not in part.LIMITS and own.endswith("_image")
    needs = "" if within or own == "init_image" else "init_image"
    of_a_mask = SourceImage.OF_A_MASK if not within else {}
    limit: Limit = _PICTURE_ID if is_picture else told.get("limit") or part.LIMITS[own]
    facts = {
        "default": None if default is dataclasses.MISSING else of_a_mask.get(own, default),
        "is_optional": default is None or is_picture,
        "needs": "mask_image" if own in of_a_mask else needs,
        **told,
        "limit": limit,
    }
    return PartField(name=name, is_picture=is_picture, is_of_images=False, **facts)


PART_FIELDS: Mapping[str, PartField] = MappingProxyType(
    {name: _row(name, told) for name, told in _TOLD}
)
"""The fields by name, in the order in which APIs list them."""
SOURCE_FIELDS = tuple(name for name in PART_FIELDS if "." not in name)
"""The fields of `SourceImage`, which are not in an object."""
PICTURES = tuple(name for name, row in PART_FIELDS.items() if row.is_picture)
"""The fields whose values are pictures."""
