"""The bodies and answers of `/v1/upscale`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.generation.fields import answer_field, request_field
from adapters.http.generation.part_schemas import picture_id_field, sent_picture_field
from adapters.http.generation.rules import quality_rule
from adapters.http.generation.schemas import ImageSchema, RequestSchema, TimingsSchema
from adapters.http.generation.sent_pictures import sent_picture
from application.parts import SentPicture
from domain.errors import FieldProblem
from domain.generation.fields import MODEL_NAME, V1_LIMITS
from domain.generation.upscale_request import LANCZOS, SCALES, UpscaleRequest

__all__ = ["AskedUpscale", "UpscaleRequestSchema", "UpscaleResultSchema"]

_SCALE = (
    "The factor of the width and the height. Null for the model's own; `lanczos` has "
    f"{UpscaleRequest.DEFAULT_SCALE:g}."
)
_MODEL = f"The id or any name of an upscaler, or `{LANCZOS}`, which needs no model."
_NAME = {
    "description": _MODEL,
    "minLength": MODEL_NAME.minimum,
    "maxLength": MODEL_NAME.maximum,
    "pattern": MODEL_NAME.PATTERN,
}
_IMAGE = "The picture to enlarge."
_REQUIRED = ("model_id", "image")


@dataclass(frozen=True, slots=True)
class AskedUpscale:
    """A body of which only the names and the picture are checked.

    Attributes:
        values: The values for `RequestMaker.upscale`.
        problems: What is wrong with the names and the picture.
    """

    values: dict[str, Any]
    problems: tuple[FieldProblem, ...]

    def drop_files(self) -> None:
        """Forget the picture, so that a request that waits long does not hold its file."""
        self.values.pop("image", None)


def _scale(**options: Any) -> fields.Float:
    bounds = {"minimum": SCALES.minimum, "maximum": SCALES.maximum}
    return fields.Float(allow_none=True, metadata={"description": _SCALE, **bounds}, **options)


class UpscaleRequestSchema(RequestSchema):
    """A request to enlarge a picture. A field that is left out has its default."""

    class Meta:
        include = {  # noqa: RUF012 - marshmallow declares it so
            "id": request_field("id", V1_LIMITS),
            "image": sent_picture_field(_IMAGE),
            "model_id": fields.String(required=True, metadata=_NAME),
            "scale": _scale(),
            "output_format": request_field("output_format", V1_LIMITS),
            "quality": request_field("quality", V1_LIMITS, allow_none=True),
        }

    described: ClassVar[Mapping[str, Any]] = {
        "dependentSchemas": {"quality": quality_rule("quality")}
    }

    def load(self, data: Any, **_: Any) -> AskedUpscale:
        """Return the body. The application checks the values, so one answer names all rows."""
        values = {name: value for name, value in data.items() if name in self.fields}
        rows = [
            FieldProblem(str(name)[:64], self.error_messages["unknown"])
            for name in data
            if name not in self.fields
        ]
        rows += [FieldProblem(name, "is required") for name in _REQUIRED if name not in values]
        if "image" in values:
            picture = sent_picture("image", values.pop("image"))
            if isinstance(picture, SentPicture):
                values["image"] = picture
            else:
                rows.append(picture)
        if isinstance(quality := values.get("quality"), float) and quality.is_integer():
            values["quality"] = int(quality)  # in JSON Schema, 30.0 is an integer
        return AskedUpscale(values, tuple(rows))


class UpscaleResultSchema(AnswerSchema):
    """The enlarged picture, and the request with defaults filled in."""

    id = answer_field("id", within="request")
    model_id = fields.String(
        attribute="request.model_id",
        metadata={"description": f"The id of the upscaler, or `{LANCZOS}`."},
    )
    image = picture_id_field(_IMAGE, attribute="request.image")
    scale = _scale(attribute="request.scale")
    output_format = answer_field("output_format", within="request")
    quality = answer_field("quality", within="request")
    images = fields.List(fields.Nested(ImageSchema))
    processing_time = fields.Float(
        metadata={"description": "Seconds of work. The time in the queue does not count."}
    )
    timings = fields.Nested(TimingsSchema)
    warnings = fields.List(fields.String())
