"""The fields of bodies and answers for the parts of a request."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, fields, post_dump

from adapters.http.description.answers import AnswerSchema
from adapters.http.generation.rules import described_limit
from domain.generation.forms.flat import flat_parts
from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, SOURCE_FIELDS, PartField
from domain.generation.upscale_request import UpscaleRequest
from domain.limits import IntegerRange, NumberRange
from domain.pictures import PictureId

__all__ = [
    "NEEDS",
    "PART_NAMES",
    "AnswerWithParts",
    "answer_parts",
    "body_parts",
    "picture_id_field",
    "sent_picture_field",
]

PART_NAMES = (*SOURCE_FIELDS, *OBJECTS)
"""The fields of a body for the parts of a request."""
NEEDS: Mapping[str, Any] = {
    row.name: {
        "anyOf": [
            *([{"properties": {row.name: {"type": "null"}}}] if row.is_optional else []),
            {"required": [row.needs], "properties": {row.needs: {"type": "object"}}},
        ]
    }
    for row in PART_FIELDS.values()
    if row.needs
}
"""Which field each field needs, as `dependentSchemas` of JSON Schema."""
_WHITE_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
"""A PNG of one white pixel, in base64."""
_ID = {"pattern": "^[0-9A-Fa-f]{64}$"}


class AnswerWithParts(AnswerSchema):
    """An answer that repeats the parts of a request, with the fields of `answer_parts`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in PART_NAMES:  # most requests have none, so marshmallow need not look for them
            self.dump_fields.pop(name, None)

    @post_dump(pass_original=True)
    def _with_parts(self, dumped: dict[str, Any], original: Any, **_: Any) -> dict[str, Any]:
        request = getattr(original, "request", original)
        if isinstance(request, UpscaleRequest):
            # Only what decides the picture: one that is enlarged has no seed.
            own = {field.name for field in dataclasses.fields(request)}
            kept = {name: value for name, value in dumped.items() if name in own}
            return kept | {"image": {"id": request.image.id}, "scale": request.scale}
        return {**dumped, **flat_parts(request)} if request.parts else dumped


class _SentPictureSchema(Schema):
    """A picture: its file, or the id of one that was sent or drawn before."""

    described: ClassVar[Mapping[str, Any]] = {
        "oneOf": [{"required": ["base64"]}, {"required": ["id"]}],
        "additionalProperties": False,
        "examples": [{"base64": _WHITE_PIXEL}, {"id": "5d" * 32}],
    }

    base64 = fields.String(
        metadata={
            "minLength": 1,
            "contentEncoding": "base64",
            "description": "The file: PNG, JPEG or WebP. A data URL is taken too.",
        }
    )
    id = fields.String(metadata={"description": PictureId.__doc__, **_ID})


class _PictureIdSchema(AnswerSchema):
    """A picture that was sent or drawn."""

    id = fields.String(metadata={"description": "SHA-256 of its file.", **_ID})


def _value(row: PartField, *, optional: bool) -> fields.Field[Any]:
    """Return the field for a value that is not a picture."""
    told: dict[str, Any] = {"description": row.meaning, **described_limit(row, row.limit)}
    if row.default is not None and not optional:
        told["default"] = row.default
    if "enum" in told and row.is_optional and not optional:
        told["enum"] = [*told["enum"], None]
    if optional:
        told["optional"] = True
    options: dict[str, Any] = {"allow_none": row.is_optional, "metadata": told}
    if isinstance(row.limit, IntegerRange):
        return fields.Integer(**options)
    return (
        fields.Float(**options) if isinstance(row.limit, NumberRange) else fields.String(**options)
    )


def _members(name: str, *, optional: bool) -> dict[str, fields.Field[Any]]:
    found = {}
    for path, row in PART_FIELDS.items():
        within, _, own = path.rpartition(".")
        if within == name:
            found[own] = _value(row, optional=optional)
            found[own].required = own == "model_id"
    return found


class _SecondPassSchema(Schema):
    """A second pass. A field that is left out has its default."""

    class Meta:
        include = _members("second_pass", optional=False)

    described: ClassVar[Mapping[str, Any]] = {
        "additionalProperties": False,
        "examples": [{"scale": 1.5, "strength": 0.5, "upscaler": "lanczos"}],
    }


class _UpscaleSchema(Schema):
    """An upscaler model that enlarges the finished picture."""

    class Meta:
        include = _members("upscale", optional=False)

    described: ClassVar[Mapping[str, Any]] = {
        "additionalProperties": False,
        "examples": [{"model_id": PART_FIELDS["upscale.model_id"].example, "scale": 2}],
    }


class _SecondPassAnswerSchema(AnswerSchema):
    """The second pass of a request."""

    class Meta(AnswerSchema.Meta):
        include = _members("second_pass", optional=True)


class _UpscaleAnswerSchema(AnswerSchema):
    """The upscaling of a request. `scale` is null if it is that of the model."""

    class Meta(AnswerSchema.Meta):
        include = _members("upscale", optional=True)


def sent_picture_field(meaning: str) -> fields.Field[Any]:
    """Return the field of a body that holds a picture. It only describes the body."""
    return fields.Nested(_SentPictureSchema, required=True, metadata={"description": meaning})


def picture_id_field(meaning: str, **options: Any) -> fields.Field[Any]:
    """Return the field of an answer that names a picture by its id."""
    told = {"description": meaning, **options.pop("metadata", {})}
    return fields.Nested(_PictureIdSchema, metadata=told, **options)


def body_parts() -> dict[str, fields.Field[Any]]:
    """Return the fields of a body. They describe it; the application checks the values."""
    objects = {"second_pass": _SecondPassSchema, "upscale": _UpscaleSchema}
    return {
        **{
            name: _nested(_SentPictureSchema, row.meaning)
            if (row := PART_FIELDS[name]).is_picture
            else _value(row, optional=False)
            for name in SOURCE_FIELDS
        },
        **{name: _nested(objects[name], meaning) for name, meaning in OBJECTS.items()},
    }


def answer_parts() -> dict[str, fields.Field[Any]]:
    """Return the fields of an answer. Each is there only if the request has it."""
    objects = {"second_pass": _SecondPassAnswerSchema, "upscale": _UpscaleAnswerSchema}
    return {
        **{
            name: _nested(_PictureIdSchema, row.meaning, optional=True)
            if (row := PART_FIELDS[name]).is_picture
            else _value(row, optional=True)
            for name in SOURCE_FIELDS
        },
        **{name: _nested(objects[name], text, optional=True) for name, text in OBJECTS.items()},
    }


def _nested(schema: type[Schema], meaning: str, *, optional: bool = False) -> fields.Field[Any]:
    told: dict[str, Any] = {"description": meaning}
    if optional:
        told["optional"] = True
    return fields.Nested(schema, allow_none=not optional, metadata=told)
