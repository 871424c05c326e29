"""Maps of pictures without a drawing: `/controlnet/detect`.

Source of names and defaults: sd-webui-controlnet 1.1.455, `scripts/api.py`. The size of a map is
that of `resize_image_with_pad` in its preprocessors.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load
from marshmallow import validates_schema as checks

from adapters.http.automatic1111.controlnet.maps import ControlMaps
from adapters.http.automatic1111.controlnet.modules import (
    MODULES,
    NO_MODULE,
    RESOLUTION,
    RESOLUTIONS,
    Module,
    chosen_module,
    preprocessor_of,
)
from adapters.http.automatic1111.values.numbers import as_number
from adapters.http.automatic1111.values.sent_pictures import PicturesField
from adapters.http.description.answers import AnswerSchema
from adapters.http.generation.fields import LimitedInteger
from application.pictures import Pictures
from domain.errors import FieldProblem, InvalidRequest, UnreadablePicture
from domain.generation.parts import Preprocessor
from domain.limits import IntegerRange
from domain.pictures import MOST_PIXELS_SENT
from domain.sizes import Size

__all__ = ["MOST_PICTURES", "AskedMaps", "DetectSchema", "DetectedSchema", "Detecting"]

MOST_PICTURES = 4
_IMAGES = "controlnet_input_images"
_OLD_IMAGES = "controlnet_images"
_ANY_NUMBER = IntegerRange(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class AskedMaps:
    """A request for the maps of pictures.

    Attributes:
        images: The files.
        module: How the maps are made.
        preprocessor: The same, with its thresholds; None for the pictures themselves.
        resolution: Pixels of the shorter side of the map, if the module has a resolution.
    """

    images: tuple[bytes, ...] = field(repr=False)
    module: Module
    preprocessor: Preprocessor | None
    resolution: int


def _number(description: str) -> LimitedInteger:
    return LimitedInteger(_ANY_NUMBER, load_default=-1, metadata={"description": description})


class DetectSchema(Schema):
    """Pictures, and how their maps are made. A null counts as left out."""

    class Meta:
        unknown = EXCLUDE

    null_is_left_out: ClassVar[bool] = True

    module = fields.Raw(
        data_key="controlnet_module",
        load_default=NO_MODULE,
        metadata={
            "type": "string",
            "enum": [*dict.fromkeys(each for row in MODULES for each in (row.name, row.label))],
            "default": NO_MODULE,
            "description": "The preprocessor. `none` answers with the pictures themselves.",
        },
    )
    images = PicturesField(
        most=MOST_PICTURES,
        data_key=_IMAGES,
        required=True,
        metadata={"description": f"The pictures. `{_OLD_IMAGES}` is another name of this field."},
    )
    resolution = LimitedInteger(
        _ANY_NUMBER,
        data_key="controlnet_processor_res",
        load_default=-1,
        metadata={
            "description": "Pixels of the shorter side of the map, for `canny`. A number outside "
            f"of {RESOLUTIONS[0]} to {RESOLUTIONS[1]} means {RESOLUTION}."
        },
    )
    threshold_a = LimitedInteger(
        _ANY_NUMBER,
        data_key="controlnet_threshold_a",
        load_default=-1,
        metadata={
            "description": "The lower threshold of `canny`. A number outside of 1 to 255 means 100."
        },
    )
    threshold_b = LimitedInteger(
        _ANY_NUMBER,
        data_key="controlnet_threshold_b",
        load_default=-1,
        metadata={
            "description": "The upper threshold of `canny`. A number outside of 1 to 255 means 200."
        },
    )

    @pre_load
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        sent = {name: value for name, value in data.items() if value is not None}
        if _IMAGES not in sent and _OLD_IMAGES in sent:
            sent[_IMAGES] = sent.pop(_OLD_IMAGES)
        numbers = ("processor_res", "threshold_a", "threshold_b")
        for name in (f"controlnet_{each}" for each in numbers):
            if name in sent:
                sent[name] = as_number(sent[name])
        return sent

    # This runs for wrong fields too, so that one answer names every problem.
    @checks(skip_on_field_errors=False)
    def _module(self, data: dict[str, Any], **_: Any) -> None:
        try:
            chosen_module(data.get("module"))
        except ValueError as error:
            raise ValidationError(str(error), "controlnet_module") from error

    @checks(skip_on_field_errors=False, pass_original=True)
    def _no_masks(self, _: dict[str, Any], original: dict[str, Any], **__: Any) -> None:
        masks = original.get("controlnet_masks")
        if isinstance(masks, list) and any(masks):
            text = "cannot be used: no preprocessor of this service takes a mask; leave it out"
            raise ValidationError(text, "controlnet_masks")

    @post_load
    def _asked(self, data: dict[str, Any], **_: Any) -> AskedMaps:
        module = chosen_module(data["module"])
        thresholds = (data["threshold_a"], data["threshold_b"]) if module.thresholds else ()
        least, most = RESOLUTIONS
        asked = data["resolution"]
        return AskedMaps(
            tuple(data["images"]),
            module,
            preprocessor_of(module, thresholds),
            asked if least <= asked <= most else RESOLUTION,
        )


class DetectedSchema(AnswerSchema):
    """The maps, in the order of the pictures."""

    images = fields.List(
        fields.String(metadata={"contentEncoding": "base64", "description": "A PNG file."})
    )
    info = fields.Constant("Success", metadata={"const": "Success"})


class Detecting:
    """Makes the maps of pictures.

    Args:
        make_map: Makes a map.
        pictures: Knows how large a file may be.
    """

    def __init__(self, make_map: ControlMaps, pictures: Pictures) -> None:
        self._make_map = make_map
        self._pictures = pictures

    def __call__(self, asked: AskedMaps) -> list[str]:
        """Return the maps as PNG files in base64.

        Raises:
            InvalidRequest: A picture cannot be read, or the map of one would be too large.
            PictureFileTooLarge: A picture has too many bytes.
        """
        sizes = [self._size(number, asked) for number in range(len(asked.images))]
        return [
            self._make_map.file(data, asked.preprocessor, size)
            for data, size in zip(asked.images, sizes, strict=True)
        ]

    def _size(self, number: int, asked: AskedMaps) -> Size | None:
        """Return the size of the map of a picture; None for that of the picture."""
        where = f"picture {number + 1} " if len(asked.images) > 1 else ""
        try:
            ref = self._pictures.inspect(asked.images[number])
        except UnreadablePicture as error:
            raise InvalidRequest([FieldProblem(_IMAGES, f"{where}{error.what}")]) from error
        if not asked.module.has_resolution:
            return None
        factor = asked.resolution / min(ref.width, ref.height)
        width, height = round(ref.width * factor), round(ref.height * factor)
        if width * height > MOST_PIXELS_SENT:
            text = (
                f"{where}has {ref.width} x {ref.height} pixels, so its map at "
                f"controlnet_processor_res {asked.resolution} would have {width} x {height}; a map "
                f"has at most {MOST_PIXELS_SENT}"
            )
            raise InvalidRequest([FieldProblem(_IMAGES, text.strip())])
        return Size(width, height)
