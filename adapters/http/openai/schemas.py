"""The schema of a request for pictures from text, as in the OpenAI Images API."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import ValidationError, pre_load, validates_schema

from adapters.http.generation.fields import (
    CheckedBoolean,
    CheckedString,
    LimitedInteger,
    request_field,
)
from adapters.http.generation.judged import JudgedSchema
from adapters.http.generation.part_schemas import body_parts
from adapters.http.generation.rules import quality_rule, seed_rule
from adapters.http.openai.names import NAMES
from adapters.http.openai.quality import QUALITIES
from application.parts import NO_PARTS, SentParts
from domain.errors import FieldProblem
from domain.generation.fields import FIELDS, OPENAI_LIMITS, integers
from domain.generation.fields.judging import JudgedFields
from domain.generation.output_formats import OutputFormat
from domain.limits import IntegerRange

__all__ = ["AskedImages", "ImagesRequestSchema", "one_of"]

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
# The values that match what the service does anyway. It has no support for any other value.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "background": ("auto", "opaque"),
}
# Despite the name, 100 is the highest quality, and a PNG is always lossless.
_COMPRESSION = NAMES["quality"]
_NEUTRAL_OF_PNG: dict[str, tuple[object, ...]] = {_COMPRESSION: (100,)}
_RESPONSE_FORMATS = ("b64_json", "url")
_FOR_OTHERS = ("complexity", "moderation", "safety_identifier", "style", "user")
"""Parameters that change no picture of this service. Two of them name the end user."""
_NO_ANIMATIONS = "is not supported: this service draws no animations; leave it out"
_REFUSED = {
    "frame_count": _NO_ANIMATIONS,
    "frame_duration_ms": _NO_ANIMATIONS,
    "svg": "is not supported: this service draws no SVG; leave it out",
}
_PARTIAL_IMAGES = IntegerRange(0, 3)


def one_of(*choices: object) -> Callable[[object], str | None]:
    """Return a function that says what is wrong with a value which must be one of `choices`."""

    def problem(value: object) -> str | None:
        if any(value == each and type(value) is type(each) for each in choices):
            return None
        return f"is {ascii(value)[:40]}; this service takes only {' or '.join(map(repr, choices))}"

    return problem


def _neutral(data: dict[str, Any]) -> dict[str, tuple[object, ...]]:
    """Return the values that each parameter without effect may have in this body."""
    if data.get("output_format") in (None, OutputFormat.PNG):
        return _NEUTRAL | _NEUTRAL_OF_PNG
    return _NEUTRAL


def _described(choices: tuple[object, ...]) -> dict[str, Any]:
    """Return the schema of one of these values, or null.

    Generators of clients support enums of text alone.
    """
    if all(isinstance(each, str) for each in choices):
        return {"type": ["string", "null"], "enum": [*choices, None]}
    return {"anyOf": [*({"const": each} for each in choices), {"type": "null"}]}


def _size_problem(value: object) -> str | None:
    if value == "auto":
        return None
    if isinstance(value, str) and _SIZE.fullmatch(value):
        return None
    return f"is {ascii(value)[:40]}; it must be 'auto' or a size such as '512x512'"


_SIDES = " × ".join(
    f"{limit.minimum}–{limit.maximum}" for limit in map(integers, ("width", "height"))
)


# The id of a request comes from a header, and its sides from `size`.
_NOT_IN_BODY = frozenset({"id", "width", "height"})
_DESCRIPTIONS = {
    "model_id": "The id of a model, ten or more first digits of it, the path, the file name with "
    "or without its extension, or an alias. The default model draws if left out."
}


@dataclass(frozen=True, slots=True)
class AskedImages:
    """A request for pictures.

    Attributes:
        fields: The fields of a `GenerationRequest`.
        response_format: The OpenAI API's `response_format`; None for the default.
        effort: The OpenAI API's `quality`; None for the default.
        stream: Whether the answer is a stream of events.
        partial_images: How many unfinished pictures the stream has, at most.
        warnings: Warnings about the parameters, for the caller.
        parts: The pictures of the request, its second pass and its upscaling.
    """

    fields: JudgedFields
    response_format: str | None = None
    effort: str | None = None
    stream: bool = False
    partial_images: int = 0
    warnings: tuple[str, ...] = ()
    parts: SentParts = NO_PARTS


class ImagesRequestSchema(JudgedSchema):
    """A request for pictures. A null counts as left out."""

    class Meta:
        include = {
            name: request_field(
                name,
                OPENAI_LIMITS,
                required=name == "prompt",
                data_key=NAMES.get(name),
                metadata={"description": _DESCRIPTIONS[name]} if name in _DESCRIPTIONS else None,
            )
            for name in FIELDS
            if name not in _NOT_IN_BODY
        } | body_parts()

    refused: ClassVar[Mapping[str, str]] = _REFUSED
    """Parameters of the OpenAI API that this service does not have, with the reason."""
    limits = OPENAI_LIMITS
    null_is_left_out = True
    described: ClassVar[Mapping[str, Any]] = {
        "properties": {
            **{name: _described(choices) for name, choices in _NEUTRAL.items()},
            **{
                name: {"description": "The service accepts this parameter, and it changes nothing."}
                for name in _FOR_OTHERS
            },
        },
        "dependentSchemas": {
            "seed": seed_rule(integers("num_images", OPENAI_LIMITS), NAMES["num_images"]),
            _COMPRESSION: quality_rule(_COMPRESSION, *_NEUTRAL_OF_PNG[_COMPRESSION]),
        },
    }

    error_messages: dict[str, str] = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": "is not a parameter of this request",
    }

    size = CheckedString(
        _size_problem,
        metadata={
            "description": f"`auto`, or width and height such as `512x512`: {_SIDES} pixels.",
            "default": "auto",
            "pattern": "^(auto|[0-9]{1,6}x[0-9]{1,6})$",
        },
    )
    response_format = CheckedString(
        one_of(*_RESPONSE_FORMATS),
        metadata={
            "enum": [*_RESPONSE_FORMATS, None],
            "description": "`b64_json` is the picture itself, `url` a link that opens it without "
            "a credential until it expires. The default is `OPENAI_RESPONSE_FORMAT`.",
        },
    )
    effort = CheckedString(
        one_of(*QUALITIES),
        data_key="quality",
        metadata={
            "enum": [*QUALITIES, None],
            "description": "The number of steps: `low` draws half as many as the default, `high` "
            "and `hd` one and a half times as many, `xhigh` and `max` twice as many. "
            "`num_inference_steps` takes precedence.",
        },
    )
    stream = CheckedBoolean(
        metadata={
            "description": "Whether the answer is a stream of server-sent events. It holds the "
            "pictures themselves.",
            "default": False,
        },
    )
    partial_images = LimitedInteger(
        _PARTIAL_IMAGES,
        metadata={
            "description": "With `stream` alone: how many unfinished, small pictures the stream "
            "has, at even steps. There are fewer if there are fewer steps.",
            "default": 0,
        },
    )

    @pre_load
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        neutral = _neutral(data)
        return {
            name: value
            for name, value in data.items()
            if value is not None
            and not any(name in each for each in (neutral, _FOR_OTHERS, self.refused))
        }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unsupported_values(
        self, _data: dict[str, Any], original: dict[str, Any], **_: Any
    ) -> None:
        problems = {
            name: [message]
            for name, choices in _neutral(original).items()
            if original.get(name) is not None and (message := one_of(*choices)(original[name]))
        }
        problems |= {
            name: [message]
            for name, message in self.refused.items()
            if original.get(name) is not None
        }
        if problems:
            raise ValidationError(problems)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check_stream(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        if data.get("stream"):
            if data.get("response_format") == "url":
                message = "is 'url', and a stream holds the pictures themselves; leave it out"
                raise ValidationError({"response_format": [message]})
        elif data.get("partial_images") and original.get("stream") in (None, False):
            message = f"is {data['partial_images']}, which needs stream=true"
            raise ValidationError({"partial_images": [message]})

    def asked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a `GenerationRequest`, with the sides of `size`."""
        asked = super().asked(found)
        if (sides := _SIZE.fullmatch(found.get("size", "auto"))) is not None:
            asked |= {"width": int(sides[1]), "height": int(sides[2])}
        return asked

    def told(self, row: FieldProblem, found: Mapping[str, Any]) -> tuple[str, str]:
        """Return the field and the message of a problem. A problem with a side names `size`."""
        if row.field in ("width", "height"):
            return "size", f"is {found['size']}: its {row.field} {row.message}"
        return super().told(row, found)

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> AskedImages:
        """Return the argument of the route."""
        return AskedImages(
            judged,
            found.get("response_format"),
            found.get("effort"),
            found.get("stream", False),
            found.get("partial_images", 0),
            parts=found.get("parts", NO_PARTS),
        )
