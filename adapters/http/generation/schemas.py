"""The shapes of request and response bodies."""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, fields

from adapters.http.description.answers import AnswerSchema, Computed
from adapters.http.edge.redaction import refuse_credentials
from adapters.http.generation.fields import answer_field, request_field
from adapters.http.generation.judged import JudgedSchema
from adapters.http.generation.part_schemas import NEEDS, AnswerWithParts, answer_parts, body_parts
from adapters.http.generation.rules import quality_rule, seed_rule
from application.settings.settings import Settings
from domain.generation.fields import FIELDS, V1_LIMITS, integers
from domain.generation.fields.judging import JudgedFields
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GeneratedImage, GenerationRequest

__all__ = [
    "GenerationRequestSchema",
    "GenerationResultSchema",
    "ImageSchema",
    "RequestSchema",
    "TimingsSchema",
    "generation_request",
    "media_type",
    "picture_id",
    "request_defaults",
]

_REQUIRED = ("model_id", "prompt")


def _base64(image: GeneratedImage) -> str:
    return base64.b64encode(image.data).decode("ascii")


class RequestSchema(Schema):
    """The shape of a body. An unknown field is wrong."""

    error_messages: dict[str, str] = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": "is not a field of this request",
    }


class GenerationRequestSchema(JudgedSchema, RequestSchema):
    """A request for pictures. A field that is left out has its default."""

    class Meta:
        include = {
            name: request_field(
                name, V1_LIMITS, required=name in _REQUIRED, allow_none=row.is_optional
            )
            for name, row in FIELDS.items()
        } | body_parts()

    limits = V1_LIMITS
    described: ClassVar[Mapping[str, Any]] = {
        "dependentSchemas": {
            "seed": seed_rule(integers("num_images", V1_LIMITS)),
            "quality": quality_rule("quality"),
            **NEEDS,
        }
    }


def generation_request(fields_: JudgedFields, settings: Settings, **more: Any) -> GenerationRequest:
    """Return the request of checked fields of a body and `more`.

    Raise InvalidRequest if one of `more` is wrong, or if a text holds a credential of this service.
    """
    given = {**fields_, **more}
    texts = {name: given.get(name) for name in ("id", "prompt", "negative_prompt")}
    for number, each in enumerate(given.get("embeddings", ())):
        texts[f"embeddings[{number}].token"] = each.token
    refuse_credentials(texts, settings)
    return GenerationRequest.of(fields_, **more)


def request_defaults(settings: Settings) -> dict[str, object]:
    """Return the service's default of each field of a `GenerationRequest`."""
    own = {
        row.name: row.default
        for row in dataclasses.fields(GenerationRequest)
        if row.name in FIELDS and row.default is not dataclasses.MISSING
    }
    return own | {
        "num_inference_steps": settings.default_inference_steps,
        "guidance_scale": settings.default_guidance_scale,
    }


def media_type() -> fields.String:
    """Return the field of a media type."""
    return fields.String(metadata={"enum": [each.media_type for each in OutputFormat]})


def picture_id(
    *, description: str = "The SHA-256 of the file, which names the picture.", **options: Any
) -> fields.String:
    """Return the field of a picture's id."""
    metadata = {"pattern": "^[0-9a-f]{64}$", "description": description}
    return fields.String(metadata=metadata, **options)


class ImageSchema(AnswerSchema):
    """A picture."""

    id = picture_id()
    base64 = Computed(
        _base64,
        fields.String(),
        metadata={"contentEncoding": "base64", "description": "The picture file."},
    )
    media_type = media_type()
    seed = fields.Integer(
        allow_none=True,
        metadata={"description": "The seed; null for a picture that was only enlarged."},
    )
    width = fields.Integer()
    height = fields.Integer()


class TimingsSchema(AnswerSchema):
    """Where the time went, in seconds."""

    queue = fields.Float(metadata={"description": "Waiting in the queue."})
    load_ = fields.Float(
        attribute="load", data_key="load", metadata={"description": "Loading the model."}
    )
    generate = fields.Float()
    encode = fields.Float()


_ECHO = {
    name: answer_field(name, within="request")
    for name, row in FIELDS.items()
    if not row.is_of_images
}
"""The fields of the request in an answer with images, except those that each image has."""


class GenerationResultSchema(AnswerWithParts):
    """The pictures, and the request with defaults filled in."""

    class Meta(AnswerSchema.Meta):
        include = {  # noqa: RUF012 - marshmallow declares it so
            "id": _ECHO.pop("id"),
            "model_id": _ECHO.pop("model_id"),
            "images": fields.List(fields.Nested(ImageSchema)),
            "processing_time": fields.Float(
                metadata={"description": "Seconds of work. The time in the queue does not count."}
            ),
            **_ECHO,
            **answer_parts(),
            "timings": fields.Nested(TimingsSchema),
            "warnings": fields.List(
                fields.String(),
                metadata={"description": "What to know about the pictures; often empty."},
            ),
        }
