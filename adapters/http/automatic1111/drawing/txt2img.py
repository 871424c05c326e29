"""The fields of a request that `txt2img` of AUTOMATIC1111's API has: the second pass."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError

from adapters.http.automatic1111.checkpoints import CHECKPOINT_NAME
from adapters.http.automatic1111.drawing.asked import AskedSecondPass
from adapters.http.automatic1111.drawing.schemas import DrawingSchema, described, sides_of
from adapters.http.automatic1111.unsupported import SAME_CHECKPOINTS, TXT2IMG
from adapters.http.automatic1111.upscalers import LATENT
from adapters.http.automatic1111.values.numbers import FlagField, NumberField, as_flag
from adapters.http.generation.fields import LimitedInteger, LimitedString
from domain.generation.fields import MODEL_NAME, integers
from domain.generation.fields.judging import JudgedFields
from domain.generation.parts import SecondPass
from domain.limits import IntegerRange, NumberRange, TextLength
from domain.sizes import LARGEST_SIDE

__all__ = ["STRENGTH", "SdapiTxt2ImgSchema"]

STRENGTH = 0.75
"""The default of `denoising_strength` in AUTOMATIC1111's API."""
_SCALE = NumberRange(1.0, 4.0)
_STEPS = IntegerRange(0, integers("num_inference_steps").maximum)
_SIDE = IntegerRange(0, LARGEST_SIDE)
_UPSCALER = TextLength(0, MODEL_NAME.maximum)
_OF_SECOND_PASS = frozenset(
    {
        *("denoising_strength", "hr_scale", "hr_upscaler", "hr_second_pass_steps", "hr_resize_x"),
        *("hr_resize_y", "hr_checkpoint_name"),
    }
)
"""The fields without effect unless `enable_hr` is true."""

# A result has at most 2048 pixels a side. The service accepts more combinations than this rule.
_SECOND_PASS_RULE: Mapping[str, Any] = {
    "anyOf": [
        {"properties": {"enable_hr": {"enum": [False, None]}}},
        {
            "properties": {
                "hr_scale": {"maximum": 2},
                "width": {"maximum": LARGEST_SIDE // 2},
                "height": {"maximum": LARGEST_SIDE // 2},
                "hr_resize_x": {"enum": [0, None]},
                "hr_resize_y": {"enum": [0, None]},
                "hr_upscaler": {"enum": ["Latent", "Lanczos", "None", "", None]},
                "hr_checkpoint_name": {"enum": ["", *SAME_CHECKPOINTS, None]},
            }
        },
    ]
}


class SdapiTxt2ImgSchema(DrawingSchema):
    """A request for pictures. A null counts as left out, and a number may be sent as text."""

    table = TXT2IMG
    described: ClassVar[Mapping[str, Any]] = described(TXT2IMG, _SECOND_PASS_RULE)

    enable_hr = FlagField(
        load_default=False,
        metadata={
            "description": "Whether to draw a second pass («hires fix»): the picture is enlarged, "
            "and drawn again. Without it the fields that begin with `hr_` have no effect."
        },
    )
    denoising_strength = NumberField(
        SecondPass.LIMITS["strength"],  # type: ignore[arg-type]
        load_default=STRENGTH,
        metadata={"description": "The share of the second pass that is drawn again."},
    )
    hr_scale = NumberField(
        SecondPass.LIMITS["scale"],  # type: ignore[arg-type]
        load_default=2.0,
        metadata={"description": "The factor of the width and the height."},
    )
    hr_upscaler = LimitedString(
        _UPSCALER,
        load_default="",
        metadata={
            "description": f"How the picture is enlarged: `{LATENT}` (the default), `Lanczos`, "
            "`None` (which is Lanczos too), or an upscaler that `GET /sdapi/v1/upscalers` lists."
        },
    )
    hr_second_pass_steps = LimitedInteger(
        _STEPS,
        load_default=0,
        metadata={"description": "The steps of the second pass; 0 for those of the first."},
    )
    hr_resize_x = LimitedInteger(
        _SIDE,
        load_default=0,
        metadata={
            "description": "The width of the result, in place of `hr_scale`; 0 for the one that "
            "keeps the proportions. The result has the proportions of `width` and `height`."
        },
    )
    hr_resize_y = LimitedInteger(
        _SIDE,
        load_default=0,
        metadata={"description": "The height of the result, as `hr_resize_x`."},
    )
    hr_checkpoint_name = LimitedString(
        CHECKPOINT_NAME,
        load_default="",
        metadata={"description": "The checkpoint of the second pass: that of the first one."},
    )

    def has_effect(self, name: str, asked: Mapping[str, Any]) -> bool:
        """Return whether a field can change anything."""
        if name not in _OF_SECOND_PASS:
            return True
        if as_flag(asked.get("enable_hr")) is not True:
            return False
        is_resized = asked.get("hr_resize_x") or asked.get("hr_resize_y")
        return not (name == "hr_scale" and is_resized)

    def more(self, judged: JudgedFields, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the second pass."""
        echo = {name: found[name] for name in ("enable_hr", *sorted(_OF_SECOND_PASS))}
        if not found["enable_hr"]:
            return {"echo": {**echo, "denoising_strength": None}}
        named = found["hr_checkpoint_name"]
        second = AskedSecondPass(
            scale=_scale(found, *sides_of(judged)),
            strength=found["denoising_strength"],
            steps=found["hr_second_pass_steps"] or None,
            upscaler=found["hr_upscaler"] or LATENT,
            checkpoint="" if named in SAME_CHECKPOINTS else named,
        )
        return {"echo": {**echo, "hr_scale": second.scale}, "second_pass": second}


def _scale(found: Mapping[str, Any], width: int, height: int) -> float:
    """Return the factor of both sides. Raise ValidationError if the sides need two factors."""
    wanted = (found["hr_resize_x"], found["hr_resize_y"])
    if wanted == (0, 0):
        scale: float = found["hr_scale"]
        return scale
    name = "hr_resize_x" if wanted[0] else "hr_resize_y"
    for side, own in zip(wanted, (width, height), strict=True):
        scale = side / own
        result = (round(width * scale), round(height * scale))
        if side and all(each in (0, size) for each, size in zip(wanted, result, strict=True)):
            if _SCALE.minimum <= scale <= _SCALE.maximum:
                return scale
            text = (
                f"is {side}, which is {scale:.3g} times the {own} of the first pass; the factor "
                f"must lie between {_SCALE.minimum:g} and {_SCALE.maximum:g}"
            )
            raise ValidationError({name: [text]})
    text = (
        f"and hr_resize_y are {wanted[0]} x {wanted[1]}, and the first pass draws {width} x "
        f"{height}, which has other proportions; this service does not crop the result, so set "
        "one of them to 0"
    )
    raise ValidationError({name: [text]})
