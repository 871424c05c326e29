"""The bodies of `extra-single-image` and `extra-batch-images`, and of their answers.

Source of names and defaults: the web UI 1.10, `ExtrasBaseRequest` in `modules/api/models.py`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load
from marshmallow import validates_schema as checks

from adapters.http.automatic1111.extras.asked import AskedExtras, ToSize
from adapters.http.automatic1111.upscalers import NONE
from adapters.http.automatic1111.values.numbers import FlagField, NumberField, as_number
from adapters.http.automatic1111.values.sent_pictures import PictureField
from adapters.http.description.answers import AnswerSchema
from adapters.http.generation.fields import LimitedInteger, LimitedString
from domain.generation.fields import MODEL_NAME
from domain.generation.parts import Upscale
from domain.limits import IntegerRange, NumberRange, TextLength
from domain.sizes import Size

__all__ = [
    "LONGEST_SIDE",
    "MOST_IMAGES",
    "ExtrasBatchSchema",
    "ExtrasSchema",
    "SdapiExtraImageSchema",
    "SdapiExtraImagesSchema",
]

MOST_IMAGES = 16
LONGEST_SIDE = 8192
"""The end of the web UI's slider."""
_SHARE = NumberRange(0.0, 1.0)
_SIDE = IntegerRange(1, LONGEST_SIDE)
_NAME = TextLength(0, MODEL_NAME.maximum)
_TO_SIZE = 1
_OF_SCALE = ("upscaling_resize",)
_OF_SIZE = ("upscaling_resize_w", "upscaling_resize_h", "upscaling_crop")
_NO_FACES = {"maximum": 0, "description": "0, because this service restores no faces."}


def _ignored(kind: type[fields.Field[Any]]) -> fields.Field[Any]:
    return kind(metadata={"description": "The service accepts this field; it changes nothing."})


def _side(which: str) -> LimitedInteger:
    return LimitedInteger(
        _SIDE,
        load_default=512,
        metadata={"description": f"The {which} to reach, if `resize_mode` is 1."},
    )


class _ExtrasFieldsSchema(Schema):
    """What both routes have. A null counts as left out, and a number may be sent as text."""

    class Meta:
        unknown = EXCLUDE

    null_is_left_out: ClassVar[bool] = True

    resize_mode = LimitedInteger(
        IntegerRange(0, _TO_SIZE),
        load_default=0,
        metadata={
            "description": "0 enlarges by `upscaling_resize`, 1 to `upscaling_resize_w` × "
            "`upscaling_resize_h`."
        },
    )
    upscaling_resize = NumberField(
        Upscale.LIMITS["scale"],  # type: ignore[arg-type]
        load_default=2.0,
        metadata={"description": "The factor of both sides, if `resize_mode` is 0."},
    )
    upscaling_resize_w = _side("width")
    upscaling_resize_h = _side("height")
    upscaling_crop = FlagField(
        load_default=True,
        metadata={
            "description": "Whether a result of other proportions is cropped about its centre, if "
            "`resize_mode` is 1. Otherwise it is larger than asked for."
        },
    )
    upscaler_1 = LimitedString(
        _NAME,
        load_default=NONE,
        metadata={
            "description": "An upscaler that `GET /sdapi/v1/upscalers` lists. `None` changes no "
            "pixel."
        },
    )
    upscaler_2 = LimitedString(
        _NAME,
        load_default=NONE,
        metadata={"description": "Has no effect, as its visibility is 0."},
    )
    extras_upscaler_2_visibility = NumberField(
        _SHARE,
        load_default=0.0,
        metadata={"maximum": 0, "description": "0, because this service mixes no two upscalers."},
    )
    gfpgan_visibility = NumberField(_SHARE, load_default=0.0, metadata=_NO_FACES)
    codeformer_visibility = NumberField(_SHARE, load_default=0.0, metadata=_NO_FACES)
    codeformer_weight = _ignored(fields.Raw)
    upscale_first = _ignored(fields.Raw)
    show_extras_results = _ignored(fields.Raw)

    @pre_load
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        sent = {name: value for name, value in data.items() if value is not None}
        numbers = {
            name: as_number(sent[name])
            for name, field in self.fields.items()
            if name in sent and isinstance(field, fields.Integer)
        }
        sent |= numbers
        unused = _OF_SCALE if sent.get("resize_mode") == _TO_SIZE else _OF_SIZE
        return {name: value for name, value in sent.items() if name not in unused}

    @checks(skip_on_field_errors=False)
    def _no_faces(self, data: dict[str, Any], **_: Any) -> None:
        asked = [
            name for name in ("gfpgan_visibility", "codeformer_visibility") if data.get(name, 0) > 0
        ]
        if asked:
            text = "this service restores no faces; set it to 0"
            raise ValidationError({name: [f"is {data[name]:g}; {text}"] for name in asked})

    @checks(skip_on_field_errors=False)
    def _one_upscaler(self, data: dict[str, Any], **_: Any) -> None:
        share = data.get("extras_upscaler_2_visibility", 0)
        is_named = data.get("upscaler_2", NONE).lower() not in ("", NONE.lower())
        if share > 0 and is_named:
            raise ValidationError(
                f"is {share:g}; this service mixes no two upscalers, so set it to 0",
                "extras_upscaler_2_visibility",
            )


class ExtrasSchema(_ExtrasFieldsSchema):
    """A picture to enlarge. A null counts as left out, and a number may be sent as text."""

    image = PictureField(required=True)

    @post_load
    def _asked(self, data: dict[str, Any], **_: Any) -> AskedExtras:
        return _asked((data["image"],), "image", data)


class _FileSchema(Schema):
    """A picture of a batch."""

    class Meta:
        unknown = EXCLUDE

    data_ = PictureField(data_key="data", required=True)
    name = fields.Raw(metadata={"type": "string", "description": "Is ignored."})


class ExtrasBatchSchema(_ExtrasFieldsSchema):
    """Pictures to enlarge. A null counts as left out, and a number may be sent as text."""

    image_list = fields.List(
        fields.Nested(_FileSchema),
        data_key="imageList",
        required=True,
        metadata={"minItems": 1, "maxItems": MOST_IMAGES},
    )

    @checks(skip_on_field_errors=False)
    def _number(self, data: dict[str, Any], **_: Any) -> None:
        number = len(data.get("image_list", [None]))
        if not 1 <= number <= MOST_IMAGES:
            raise ValidationError(
                f"has {number} pictures; it must have between 1 and {MOST_IMAGES}", "imageList"
            )

    @post_load
    def _asked(self, data: dict[str, Any], **_: Any) -> AskedExtras:
        images = tuple(each["data_"] for each in data["image_list"])
        return _asked(images, "imageList", data)


def _asked(images: tuple[bytes, ...], field: str, data: Mapping[str, Any]) -> AskedExtras:
    to: float | ToSize = data["upscaling_resize"]
    if data["resize_mode"] == _TO_SIZE:
        size = Size(data["upscaling_resize_w"], data["upscaling_resize_h"])
        to = ToSize(size, data["upscaling_crop"])
    return AskedExtras(images, field, data["upscaler_1"] or NONE, to)


def _html() -> fields.String:
    return fields.String(metadata={"description": "What was done, as HTML."})


def _file() -> fields.String:
    return fields.String(metadata={"contentEncoding": "base64", "description": "A picture file."})


class SdapiExtraImageSchema(AnswerSchema):
    """An enlarged picture."""

    html_info = _html()
    image = _file()


class SdapiExtraImagesSchema(AnswerSchema):
    """Enlarged pictures, in the order of the request."""

    html_info = _html()
    images = fields.List(_file())
