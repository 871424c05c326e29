"""The shapes of request and response bodies."""

import base64
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from adapters.http.fields import (
    CheckedString,
    LimitedInteger,
    LimitedNumber,
    LimitedString,
    OneWord,
)
from application.settings import Settings
from domain.credentials import AccessToken, join_scopes, scope_problem
from domain.generation import (
    GeneratedImage,
    GenerationRequest,
    id_problem,
    last_seed_problem,
    model_id_problem,
    quality_problem,
)
from domain.limits import IntegerRange, NumberRange, OneOf, TextLength
from domain.models import ModelFamily, ModelKind, PendingState
from domain.output_formats import OutputFormat
from domain.schedulers import Scheduler
from domain.services.credential_checker import CredentialChecker

__all__ = [
    "GenerationRequestSchema",
    "GenerationResultSchema",
    "HealthSchema",
    "IndexSchema",
    "ModelListSchema",
    "ModelQuerySchema",
    "ModelSchema",
    "ReadySchema",
    "TimingsSchema",
    "TokenRequestSchema",
    "TokenSchema",
    "generation_request",
    "limited_integer",
    "limited_number",
    "limited_text",
    "limited_word",
]


def limited_text(name: str, **options: Any) -> LimitedString:
    """The field for text within the limit of this name of a `GenerationRequest`."""
    limit = GenerationRequest.LIMITS[name]
    assert isinstance(limit, TextLength)  # noqa: S101 - tells mypy which kind of limit
    return LimitedString(limit, **options)


def limited_integer(name: str, **options: Any) -> LimitedInteger:
    """The field for an integer within the limit of this name of a `GenerationRequest`."""
    limit = GenerationRequest.LIMITS[name]
    assert isinstance(limit, IntegerRange)  # noqa: S101
    return LimitedInteger(limit, **options)


def limited_number(name: str, **options: Any) -> LimitedNumber:
    """The field for a number within the limit of this name of a `GenerationRequest`."""
    limit = GenerationRequest.LIMITS[name]
    assert isinstance(limit, NumberRange)  # noqa: S101
    return LimitedNumber(limit, **options)


def limited_word(name: str, **options: Any) -> OneWord:
    """The field for one of the words that this name of a `GenerationRequest` can be."""
    limit = GenerationRequest.LIMITS[name]
    assert isinstance(limit, OneOf)  # noqa: S101
    return OneWord(limit, **options)


def _base64(image: GeneratedImage) -> str:
    return base64.b64encode(image.data).decode("ascii")


def _scope(token: AccessToken) -> str:
    return join_scopes(token.scopes)


class _RequestSchema(Schema):
    error_messages: dict[str, str] = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": "is no field of this request",
    }


class GenerationRequestSchema(_RequestSchema):
    """What `GenerationRequest` takes; a field left out is left to its default."""

    id = CheckedString(id_problem, required=True)
    model_id = CheckedString(model_id_problem, required=True)
    prompt = limited_text("prompt", required=True)
    negative_prompt = limited_text("negative_prompt", allow_none=True)
    num_inference_steps = limited_integer("num_inference_steps")
    guidance_scale = limited_number("guidance_scale")
    width = limited_integer("width")
    height = limited_integer("height")
    seed = limited_integer("seed", allow_none=True)
    num_images = limited_integer("num_images")
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
    """The request that the checked `fields` of a body make; the settings fill some gaps."""
    defaults = {
        "num_inference_steps": settings.default_inference_steps,
        "guidance_scale": settings.default_guidance_scale,
    }
    return GenerationRequest(**{**defaults, **fields})


class _ImageSchema(Schema):
    base64 = fields.Function(_base64)
    media_type = fields.String()
    seed = fields.Integer()
    width = fields.Integer()
    height = fields.Integer()


class TimingsSchema(Schema):
    """Where the time went, in seconds."""

    queue = fields.Float()
    load_ = fields.Float(attribute="load", data_key="load")
    generate = fields.Float()
    encode = fields.Float()


class GenerationResultSchema(Schema):
    """A `GenerationResult`."""

    id = fields.String(attribute="request.id")
    model_id = fields.String(attribute="request.model_id")
    images = fields.List(fields.Nested(_ImageSchema))
    processing_time = fields.Float()
    prompt = fields.String(attribute="request.prompt")
    negative_prompt = fields.String(attribute="request.negative_prompt")
    num_inference_steps = fields.Integer(attribute="request.num_inference_steps")
    guidance_scale = fields.Float(attribute="request.guidance_scale")
    scheduler = fields.Enum(
        Scheduler, by_value=True, attribute="request.scheduler", allow_none=True
    )
    output_format = fields.Enum(OutputFormat, by_value=True, attribute="request.output_format")
    quality = fields.Integer(attribute="request.quality", allow_none=True)
    timings = fields.Nested(TimingsSchema)
    warnings = fields.List(fields.String())


class ModelSchema(Schema):
    """A `ModelRecord`."""

    id = fields.String()
    name = fields.String()
    size = fields.Integer()
    path = fields.String()
    extension = fields.String()
    kind = fields.Enum(ModelKind, by_value=True)
    family = fields.Enum(ModelFamily, by_value=True, allow_none=True)
    precision = fields.String(allow_none=True)
    loadable = fields.Boolean()
    reason = fields.String(allow_none=True)
    aliases = fields.List(fields.String())
    schedulers = fields.List(fields.Enum(Scheduler, by_value=True))
    default_scheduler = fields.Enum(Scheduler, by_value=True, allow_none=True)


class ModelQuerySchema(Schema):
    """Which models to list; all when nothing is asked for."""

    kind = fields.Enum(
        ModelKind,
        by_value=True,
        error_messages={"unknown": "must be one of: {choices}"},
    )


class _PendingModelSchema(Schema):
    name = fields.String()
    path = fields.String()
    size = fields.Integer()
    state = fields.Enum(PendingState, by_value=True)
    hashed = fields.Integer()


class ModelListSchema(Schema):
    """The models, and the files that will be."""

    models = fields.List(fields.Nested(ModelSchema))
    count = fields.Integer()
    pending = fields.List(fields.Nested(_PendingModelSchema))


class TokenRequestSchema(_RequestSchema):
    """What a token should be like; both fields may be left out."""

    expires_in = LimitedInteger(CredentialChecker.EXPIRES_IN)
    scope = CheckedString(scope_problem)


class TokenSchema(Schema):
    """An `AccessToken`, with the names of RFC 6749, section 5.1."""

    access_token = fields.String(attribute="token")
    token_type = fields.Constant("Bearer")
    expires_in = fields.Integer()
    scope = fields.Function(_scope)


class IndexSchema(Schema):
    """What there is."""

    name = fields.String()
    version = fields.String()
    links = fields.Dict(keys=fields.String(), values=fields.String())


class HealthSchema(Schema):
    """That the process answers."""

    status = fields.String()
    version = fields.String()
    device = fields.String(allow_none=True)
    models = fields.Integer()


class ReadySchema(Schema):
    """That a request would be drawn now."""

    status = fields.String()
