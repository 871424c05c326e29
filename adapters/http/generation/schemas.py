"""The shapes of request and response bodies."""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from marshmallow import Schema, ValidationError, fields, validates_schema

from adapters.http.description.answers import AnswerSchema, Computed
from adapters.http.edge.redaction import refuse_credentials
from adapters.http.generation.fields import (
    LimitedInteger,
    LimitedNumber,
    LimitedString,
    OneWord,
)
from adapters.http.generation.rules import quality_rule, seed_rule
from application.settings.settings import Settings
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.generation.request import (
    GeneratedImage,
    GenerationRequest,
    guidance_problem,
    id_problem,
    last_seed_problem,
    quality_problem,
)
from domain.limits import IntegerRange, Limit, NumberRange, OneOf, TextLength
from domain.samplers import Scheduler

__all__ = [
    "V1_LIMITS",
    "GenerationRequestSchema",
    "GenerationResultSchema",
    "RequestSchema",
    "TimingsSchema",
    "generation_request",
    "id_length",
    "limited_guidance",
    "limited_integer",
    "limited_number",
    "limited_text",
    "limited_word",
    "media_type",
    "model_name",
    "request_defaults",
]

_Field = TypeVar("_Field", LimitedInteger, LimitedNumber, LimitedString, OneWord)

_MODEL_NAME = TextLength(1, 4096)
"""A path is a name too, and Linux' PATH_MAX is 4096."""
_MEANINGS: Mapping[str, str] = {
    "prompt": "What to draw, in words.",
    "negative_prompt": "What to keep out of the picture.",
    "num_inference_steps": "The number of denoising steps.",
    "guidance_scale": "How closely to follow the prompt. 1 means no guidance, and is twice as "
    "fast.",
    "width": "Pixels, within the `sizes` of the model. If it is not a multiple of 8, the "
    "picture is drawn at the next multiple and cropped about its centre.",
    "height": "Pixels; the same rules as for `width`.",
    "seed": "The seed of the first image. Image *i* has `seed` + *i*; the seed of the last "
    "image must be within the bounds too. Random if left out.",
    "num_images": "The number of images.",
    "scheduler": "One of the `schedulers` of the model. Its `default_scheduler` draws if left out.",
    "output_format": "The format of the picture files.",
    "quality": f"The quality of a `jpeg` or `webp`; {DEFAULT_QUALITY} if left out. A `png` has "
    "none.",
}


V1_LIMITS: Mapping[str, Limit] = {
    **GenerationRequest.LIMITS,
    "prompt": TextLength(1, 1000),
    "negative_prompt": TextLength(0, 1000),
    "guidance_scale": NumberRange(1.0, 20.0),
    "num_images": IntegerRange(1, 4),
}
"""What a request of `/v1` may hold. Other doors take what their API takes."""


def limited_text(
    name: str, limits: Mapping[str, Limit] = GenerationRequest.LIMITS, **options: Any
) -> LimitedString:
    """The field for text within the limit of this name of a `GenerationRequest`."""
    limit = limits[name]
    assert isinstance(limit, TextLength)  # noqa: S101 - tells mypy which kind of limit
    return _named(name, LimitedString(limit, lines=True, **options))


def limited_integer(
    name: str, limits: Mapping[str, Limit] = GenerationRequest.LIMITS, **options: Any
) -> LimitedInteger:
    """The field for an integer within the limit of this name of a `GenerationRequest`."""
    limit = limits[name]
    assert isinstance(limit, IntegerRange)  # noqa: S101
    return _named(name, LimitedInteger(limit, **options))


def limited_guidance(**options: Any) -> LimitedNumber:
    """The field for a guidance as the doors to other APIs take it: 0 is none too."""
    limit = GenerationRequest.LIMITS["guidance_scale"]
    assert isinstance(limit, NumberRange)  # noqa: S101
    field = _named("guidance_scale", LimitedNumber(limit, **options))
    field.problem = guidance_problem
    field.metadata = {**field.metadata, "anyOf": [{"maximum": 0}, {"minimum": 1}]}
    return field


def limited_number(
    name: str, limits: Mapping[str, Limit] = GenerationRequest.LIMITS, **options: Any
) -> LimitedNumber:
    """The field for a number within the limit of this name of a `GenerationRequest`."""
    limit = limits[name]
    assert isinstance(limit, NumberRange)  # noqa: S101
    return _named(name, LimitedNumber(limit, **options))


def limited_word(name: str, **options: Any) -> OneWord:
    """The field for one of the words that this name of a `GenerationRequest` can be."""
    limit = GenerationRequest.LIMITS[name]
    assert isinstance(limit, OneOf)  # noqa: S101
    return _named(name, OneWord(limit, **options))


def model_name(**options: Any) -> LimitedString:
    """The field for a name of a model, by the one rule of all doors."""
    return LimitedString(_MODEL_NAME, **options)


def _named(name: str, field: _Field) -> _Field:
    """`field`, described as what it is of a `GenerationRequest`."""
    field.limit_name = name
    field.metadata = {"description": _MEANINGS[name], **field.metadata}
    return field


def id_length() -> TextLength:
    """How long the id of a request may be."""
    limit = GenerationRequest.LIMITS["id"]
    assert isinstance(limit, TextLength)  # noqa: S101
    return limit


def _base64(image: GeneratedImage) -> str:
    return base64.b64encode(image.data).decode("ascii")


class RequestSchema(Schema):
    """The shape of a body: a field that it does not name is wrong."""

    error_messages: dict[str, str] = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": "is not a field of this request",
    }


class GenerationRequestSchema(RequestSchema):
    """A request for pictures. A field that is left out has its default."""

    described: ClassVar[Mapping[str, Any]] = {
        "dependentSchemas": {
            "seed": seed_rule(V1_LIMITS["num_images"]),
            "quality": quality_rule("quality"),
        }
    }

    id = LimitedString(
        id_length(),
        id_problem,
        metadata={
            "description": "Your name for the request, and its idempotency key: the same request "
            "with the same id gets the same answer, and is drawn once. It also names the job. If "
            "you leave it out, the service makes one, and every request is drawn.",
            "not": {"pattern": r"/|^\.{1,2}$"},
        },
    )
    model_id = model_name(
        required=True,
        metadata={
            "description": "The `id` of a model, or another name of it: ten or more first digits "
            "of the id, the path, the file name with or without its extension, or an alias. The "
            "answer has the id.",
        },
    )
    prompt = limited_text("prompt", V1_LIMITS, required=True)
    negative_prompt = limited_text("negative_prompt", V1_LIMITS, allow_none=True)
    num_inference_steps = limited_integer("num_inference_steps", V1_LIMITS)
    guidance_scale = limited_number("guidance_scale", V1_LIMITS)
    width = limited_integer("width")
    height = limited_integer("height")
    seed = limited_integer("seed", allow_none=True)
    num_images = limited_integer("num_images", V1_LIMITS)
    scheduler = limited_word("scheduler", allow_none=True)
    output_format = limited_word("output_format")
    quality = limited_integer("quality", allow_none=True)

    # Also beside wrong fields, so that a client hears of everything at once.
    @validates_schema(skip_on_field_errors=False)
    def _last_seed(self, data: dict[str, Any], **_: Any) -> None:
        if message := last_seed_problem(data.get("seed"), data.get("num_images", 1)):
            raise ValidationError(message, "seed")

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _quality_of_format(
        self, data: dict[str, Any], original: Mapping[str, Any], **_: Any
    ) -> None:
        if "output_format" in original and "output_format" not in data:
            return  # it is wrong itself
        output_format = data.get("output_format", OutputFormat.PNG)
        if message := quality_problem(data.get("quality"), output_format):
            raise ValidationError(message, "quality")


def generation_request(fields: Mapping[str, Any], settings: Settings) -> GenerationRequest:
    """The request that the checked `fields` of a body make; the settings fill some gaps.

    Raises InvalidRequest when a text of it holds a credential of this service.
    """
    texts = {name: fields.get(name) for name in ("id", "prompt", "negative_prompt")}
    refuse_credentials(texts, settings)
    return GenerationRequest(**{**_configured(settings), **fields})


def request_defaults(settings: Settings) -> dict[str, object]:
    """What each field of a `GenerationRequest` is when a body leaves it out."""
    fields_ = dataclasses.fields(GenerationRequest)
    own = {row.name: row.default for row in fields_ if row.default is not dataclasses.MISSING}
    return own | _configured(settings)


def _configured(settings: Settings) -> dict[str, Any]:
    return {
        "num_inference_steps": settings.default_inference_steps,
        "guidance_scale": settings.default_guidance_scale,
    }


def media_type() -> fields.String:
    """The field for what an output format is called in a Content-Type."""
    return fields.String(metadata={"enum": [each.media_type for each in OutputFormat]})


class _ImageSchema(AnswerSchema):
    """A picture."""

    base64 = Computed(
        _base64,
        fields.String(),
        metadata={"contentEncoding": "base64", "description": "The picture file."},
    )
    media_type = media_type()
    seed = fields.Integer()
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


class GenerationResultSchema(AnswerSchema):
    """The pictures, and the request with defaults filled in."""

    id = fields.String(attribute="request.id")
    model_id = fields.String(attribute="request.model_id")
    images = fields.List(fields.Nested(_ImageSchema))
    processing_time = fields.Float(
        metadata={"description": "Seconds of work. The time in the queue does not count."}
    )
    prompt = fields.String(attribute="request.prompt")
    negative_prompt = fields.String(attribute="request.negative_prompt", allow_none=True)
    num_inference_steps = fields.Integer(attribute="request.num_inference_steps")
    guidance_scale = fields.Float(attribute="request.guidance_scale")
    scheduler = fields.Enum(
        Scheduler, by_value=True, attribute="request.scheduler", allow_none=True
    )
    output_format = fields.Enum(OutputFormat, by_value=True, attribute="request.output_format")
    quality = fields.Integer(attribute="request.quality", allow_none=True)
    timings = fields.Nested(TimingsSchema)
    warnings = fields.List(
        fields.String(), metadata={"description": "What to know about the pictures; often empty."}
    )
