"""What that API's clients may ask for, and which of it there is here."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validates_schema

from adapters.http.description.answers import AnswerSchema
from adapters.http.generation.fields import CheckedString
from adapters.http.generation.rules import quality_rule, seed_rule
from adapters.http.generation.schemas import (
    limited_guidance,
    limited_integer,
    limited_text,
    limited_word,
    model_name,
)
from adapters.http.openai.quality import QUALITIES
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange

__all__ = ["ImagesRequestSchema", "ImagesSchema"]

_NUMBERS = IntegerRange(1, 10)
_LIMITS = {**GenerationRequest.LIMITS, "num_images": _NUMBERS}
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
# What is asked for by these is what is done anyway; any other value asks for what is not there.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "background": ("auto", "opaque"),
    "partial_images": (0,),
    "stream": (False,),
}
# Its name says the contrary: 100 is the most faithful, which a PNG always is.
_COMPRESSION = "output_compression"
_NEUTRAL_OF_PNG: dict[str, tuple[object, ...]] = {_COMPRESSION: (100,)}
_RESPONSE_FORMATS = ("b64_json", "url")
_FOR_OTHERS = ("moderation", "safety_identifier", "style", "user")
"""They change no picture here, whatever they say. Two of them name the end user."""


def _one_of(*choices: object) -> Callable[[object], str | None]:
    def problem(value: object) -> str | None:
        if any(value == each and type(value) is type(each) for each in choices):
            return None
        return f"is {ascii(value)[:40]}; this service takes only {' or '.join(map(repr, choices))}"

    return problem


def _neutral(data: dict[str, Any]) -> dict[str, tuple[object, ...]]:
    """The parameters that ask for nothing, and the values that they may have, in this body."""
    if data.get("output_format") in (None, OutputFormat.PNG):
        return _NEUTRAL | _NEUTRAL_OF_PNG
    return _NEUTRAL


def _described(choices: tuple[object, ...]) -> dict[str, Any]:
    """One of these, or null; makers of clients know enums of text alone."""
    if all(isinstance(each, str) for each in choices):
        return {"type": ["string", "null"], "enum": [*choices, None]}
    return {"anyOf": [*({"const": each} for each in choices), {"type": "null"}]}


def _size_problem(value: object) -> str | None:
    if value == "auto":
        return None
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return f"is {ascii(value)[:40]}; it must be 'auto' or a size such as '512x512'"
    for side, pixels in zip(("width", "height"), found.groups(), strict=True):
        if message := GenerationRequest.LIMITS[side].problem(int(pixels)):
            return f"is {value}: its {side} {message}"
    return None


_SIDES = " × ".join(
    f"{limit.minimum}–{limit.maximum}"
    for limit in map(GenerationRequest.LIMITS.__getitem__, ("width", "height"))
    if isinstance(limit, IntegerRange)
)


class ImagesRequestSchema(Schema):
    """A request for pictures. A null counts as left out.

    Loaded as fields of a `GenerationRequest`, with `response_format` and `effort` beside them.
    """

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
            "seed": seed_rule(_NUMBERS, "n"),
            _COMPRESSION: quality_rule(_COMPRESSION, *_NEUTRAL_OF_PNG[_COMPRESSION]),
        },
    }

    error_messages: dict[str, str] = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": "is not a parameter of this request",
    }

    model_id = model_name(
        data_key="model",
        metadata={
            "description": "The id of a model, ten or more first digits of it, the path, the file "
            "name with or without its extension, or an alias. The default model draws if left out."
        },
    )
    prompt = limited_text("prompt", required=True)
    num_images = limited_integer("num_images", _LIMITS, data_key="n")
    size = CheckedString(
        _size_problem,
        metadata={
            "description": f"`auto`, or width and height such as `512x512`: {_SIDES} pixels.",
            "default": "auto",
            "pattern": "^(auto|[0-9]{1,6}x[0-9]{1,6})$",
        },
    )
    response_format = CheckedString(
        _one_of(*_RESPONSE_FORMATS),
        metadata={
            "enum": [*_RESPONSE_FORMATS, None],
            "description": "`b64_json` is the picture itself, `url` a link that opens it without "
            "a credential until it expires. The default is `OPENAI_RESPONSE_FORMAT`.",
        },
    )
    effort = CheckedString(
        _one_of(*QUALITIES),
        data_key="quality",
        metadata={
            "enum": [*QUALITIES, None],
            "description": "How many steps are drawn: `low` draws half of the default, `high` and "
            "`hd` one and a half, `xhigh` and `max` twice as many. `num_inference_steps` wins.",
        },
    )
    seed = limited_integer("seed")
    negative_prompt = limited_text("negative_prompt")
    num_inference_steps = limited_integer("num_inference_steps")
    guidance_scale = limited_guidance()
    scheduler = limited_word("scheduler")
    output_format = limited_word("output_format")
    quality = limited_integer("quality", data_key=_COMPRESSION)

    @pre_load
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        neutral = _neutral(data)
        return {
            name: value
            for name, value in data.items()
            if value is not None and name not in neutral and name not in _FOR_OTHERS
        }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _ask_for_what_is_there(
        self, _data: dict[str, Any], original: dict[str, Any], **_: Any
    ) -> None:
        problems = {
            name: [message]
            for name, choices in _neutral(original).items()
            if original.get(name) is not None and (message := _one_of(*choices)(original[name]))
        }
        if problems:
            raise ValidationError(problems)

    @post_load
    def _sides(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if (found := _SIZE.fullmatch(data.pop("size", "auto"))) is not None:
            data["width"], data["height"] = map(int, found.groups())
        return data


class _OpenAIImageSchema(AnswerSchema):
    """A picture, in the `response_format` of the request."""

    b64_json = fields.String(
        metadata={
            "optional": True,
            "contentEncoding": "base64",
            "description": "The picture file.",
        }
    )
    url = fields.String(
        metadata={
            "optional": True,
            "format": "uri",
            "description": "A link that opens the picture without a credential until it expires.",
        }
    )
    seed = fields.Integer()


class ImagesSchema(AnswerSchema):
    """The pictures, in the form of the OpenAI API."""

    created = fields.Integer(metadata={"description": "Seconds since 1970."})
    data = fields.List(fields.Nested(_OpenAIImageSchema))
    output_format = fields.String(metadata={"enum": list(OutputFormat)})
    size = fields.String(metadata={"pattern": "^[0-9]+x[0-9]+$"})
    warnings = fields.List(
        fields.String(),
        metadata={
            "description": "What is not as you asked, for a person to read. OpenAI's own API does "
            "not have this field."
        },
    )
