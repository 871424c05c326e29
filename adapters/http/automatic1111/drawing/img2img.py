"""The fields of a request that `img2img` of AUTOMATIC1111's API has: pictures and a mask."""

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, validates_schema

from adapters.http.automatic1111.drawing.asked import AskedMask, AskedSource
from adapters.http.automatic1111.drawing.schemas import DrawingSchema, described
from adapters.http.automatic1111.drawing.txt2img import STRENGTH
from adapters.http.automatic1111.unsupported import IMG2IMG
from adapters.http.automatic1111.values.numbers import FlagField, NumberField
from adapters.http.automatic1111.values.sent_pictures import PictureField, PicturesField
from adapters.http.generation.fields import LimitedInteger
from domain.generation.fields import integers
from domain.generation.fields.judging import JudgedFields
from domain.generation.parts import InpaintArea, MaskContent, ResizeMode, SourceImage
from domain.limits import IntegerRange, NumberRange

__all__ = ["SdapiImg2ImgSchema"]

_BLUR = 4
_RESIZE_MODES = (ResizeMode.STRETCH, ResizeMode.CROP, ResizeMode.PAD)
_LATENT_RESIZE = 3
_FILLS = (MaskContent.FILL, MaskContent.ORIGINAL, MaskContent.NOISE, MaskContent.EMPTY)
_IMAGES = integers("num_images")
_OF_A_MASK = frozenset(
    {
        *("mask_blur", "mask_blur_x", "mask_blur_y", "inpainting_fill", "inpaint_full_res"),
        *("inpaint_full_res_padding", "inpainting_mask_invert"),
    }
)
"""The fields without effect if there is no `mask`."""
_BLUR_LIMIT: Any = SourceImage.LIMITS["mask_blur"]
_ANY_GUIDANCE = NumberRange(0.0, 1000.0)
"""Only instruct-pix2pix has a bound. Other models ignore the value, as in the web UI."""


def _blur(description: str, **options: Any) -> LimitedInteger:
    return LimitedInteger(_BLUR_LIMIT, metadata={"description": description}, **options)


class SdapiImg2ImgSchema(DrawingSchema):
    """A request for pictures that begin with a picture.

    A null counts as left out, and a number may be sent as text.
    """

    table = IMG2IMG
    described: ClassVar[Mapping[str, Any]] = described(IMG2IMG)

    init_images = PicturesField(
        most=_IMAGES.maximum,
        required=True,
        metadata={
            "description": "Where the drawing starts. With several, picture *i* of each batch "
            "starts from image *i*, and `batch_size` is their number."
        },
    )
    denoising_strength = NumberField(
        SourceImage.LIMITS["strength"],  # type: ignore[arg-type]
        load_default=STRENGTH,
        metadata={
            "description": "The share of `steps` that runs: 0 is the picture itself, and 1 draws "
            "freely."
        },
    )
    # Two names are also those of fields of this service, which mean something else.
    resize = LimitedInteger(
        IntegerRange(0, _LATENT_RESIZE),
        data_key="resize_mode",
        load_default=0,
        metadata={
            "maximum": len(_RESIZE_MODES) - 1,
            "description": "How pictures and mask get the size of the request: 0 stretches, "
            "1 crops, 2 repeats the pixels of the edge.",
        },
    )
    mask = PictureField(
        metadata={
            "description": "White is drawn again, black stays. If it has transparency, its opaque "
            "part is drawn again."
        }
    )
    blur = _blur("Pixels of Gaussian blur of the mask; 4 if left out.", data_key="mask_blur")
    mask_blur_x = _blur("The blur along the width, if `mask_blur` is left out.")
    mask_blur_y = _blur("The blur along the height, which must be that along the width.")
    inpainting_fill = LimitedInteger(
        IntegerRange(0, len(_FILLS) - 1),
        load_default=0,
        metadata={
            "description": "What lies under the mask at the start: 0 the colours around it, 1 the "
            "picture, 2 noise, 3 nothing."
        },
    )
    inpaint_full_res = FlagField(
        load_default=True,
        metadata={
            "description": "Whether the box of the mask is drawn at full size and put back. "
            "Otherwise the whole picture is drawn."
        },
    )
    inpaint_full_res_padding = LimitedInteger(
        SourceImage.LIMITS["inpaint_padding"],  # type: ignore[arg-type]
        load_default=0,
        metadata={"description": "Pixels round the box of the mask."},
    )
    inpainting_mask_invert = FlagField(
        load_default=False,
        metadata={"description": "Whether black is drawn again, and white stays."},
    )
    image_cfg_scale = NumberField(
        _ANY_GUIDANCE,
        metadata={
            "description": "How closely instruct-pix2pix keeps the picture. Other models ignore it."
        },
    )
    initial_noise_multiplier = NumberField(
        SourceImage.LIMITS["noise_multiplier"],  # type: ignore[arg-type]
        load_default=1.0,
        metadata={
            "description": "The factor of the noise: less than 1 gives smoother pictures, and more "
            "than 1 gives more detail."
        },
    )
    include_init_images = FlagField(
        load_default=False,
        metadata={"description": "Whether `parameters` repeats `init_images` and `mask`."},
    )

    def has_effect(self, name: str, asked: Mapping[str, Any]) -> bool:
        """Return whether a field can change anything. An empty mask counts as none."""
        if name == "mask":
            return asked[name] != ""
        if name not in _OF_A_MASK:
            return True
        if asked.get("mask") in (None, ""):
            return False
        return not (name in ("mask_blur_x", "mask_blur_y") and "mask_blur" in asked)

    # These run for wrong fields too, so that one answer names every problem.
    @validates_schema(skip_on_field_errors=False)
    def _no_latent_resize(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("resize") == _LATENT_RESIZE:
            raise ValidationError(
                "is 3, which resizes latents; this service resizes pictures, so send 0, 1 or 2",
                "resize_mode",
            )

    @validates_schema(skip_on_field_errors=False)
    def _equal_blurs(self, data: dict[str, Any], **_: Any) -> None:
        across, down = data.get("mask_blur_x", _BLUR), data.get("mask_blur_y", _BLUR)
        if across != down:
            raise ValidationError(
                f"is {across}, and mask_blur_y is {down}; this service blurs both ways alike, so "
                "send one number as mask_blur",
                "mask_blur_x",
            )

    def number(self, found: Mapping[str, Any]) -> int:
        """Return the number of requested pictures. Several images are a batch of their own."""
        images = len(found.get("init_images", ()))
        return super().number({**found, "batch_size": images} if images > 1 else found)

    def more(self, judged: JudgedFields, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the pictures and the mask."""
        blur = found.get("blur", found.get("mask_blur_x", _BLUR))
        source = AskedSource(
            images=tuple(found["init_images"]),
            strength=found["denoising_strength"],
            resize_mode=_RESIZE_MODES[found["resize"]],
            image_guidance=found.get("image_cfg_scale"),
            noise_multiplier=found["initial_noise_multiplier"],
            mask=_mask(found, blur),
        )
        echo = _echo(found, blur)
        images = source.images
        return {"source": source, "echo": echo} | (
            {"batch_size": len(images)} if len(images) > 1 else {}
        )


def _mask(found: Mapping[str, Any], blur: int) -> AskedMask | None:
    if "mask" not in found:
        return None
    return AskedMask(
        data=found["mask"],
        is_inverted=found["inpainting_mask_invert"],
        blur=blur,
        content=_FILLS[found["inpainting_fill"]],
        area=InpaintArea.IN_PLACE if found["inpaint_full_res"] else InpaintArea.WHOLE,
        padding=found["inpaint_full_res_padding"],
    )


def _echo(found: Mapping[str, Any], blur: int) -> dict[str, Any]:
    names = (
        *("denoising_strength", "inpainting_fill", "inpaint_full_res"),
        *("inpaint_full_res_padding", "initial_noise_multiplier", "include_init_images"),
    )
    is_repeated = found["include_init_images"]
    return {
        **{name: found[name] for name in names},
        "resize_mode": found["resize"],
        "mask_blur": blur,
        "inpainting_mask_invert": int(found["inpainting_mask_invert"]),
        "image_cfg_scale": found.get("image_cfg_scale"),
        "init_images": [*map(_text, found["init_images"])] if is_repeated else None,
        "mask": _text(found["mask"]) if is_repeated and "mask" in found else None,
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
