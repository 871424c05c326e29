"""The fields of bodies and answers for the parts of a request."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from marshmallow import Schema, fields, post_dump, validate

from adapters.http.description.answers import AnswerSchema, TextOrNested
from adapters.http.generation.rules import described_limit
from domain.generation.forms.flat import flat_parts
from domain.generation.forms.part_fields import (
    OBJECTS,
    PART_FIELDS,
    PART_NAMES,
    PARTS,
    AnyPartField,
    PartField,
    PartObject,
)
from domain.generation.parts.rules import PLAIN
from domain.generation.upscale_request import UpscaleRequest
from domain.limits import IntegerRange, NumberRange
from domain.pictures import PictureId

__all__ = [
    "NEEDS",
    "AnswerWithParts",
    "answer_parts",
    "body_field",
    "body_parts",
    "picture_id_field",
    "sent_picture_field",
]

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
_WORDS: Mapping[str, str] = {
    "second_pass": "second pass",
    "upscale": "upscaler model",
    "loras": "LoRA",
    "embeddings": "embedding (textual inversion)",
    "controls": "ControlNet",
    "controls[].preprocessor": "preprocessor",
}
"""What an object of the table is."""
_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "second_pass": {"scale": 1.5, "strength": 0.5, "upscaler": "lanczos"},
    "upscale": {"model_id": PART_FIELDS["upscale.model_id"].example, "scale": 2},
    "loras": {"model_id": PART_FIELDS["loras[].model_id"].example, "scale": 0.8},
    "embeddings": {"model_id": PART_FIELDS["embeddings[].model_id"].example},
    "controls": {
        "model_id": PART_FIELDS["controls[].model_id"].example,
        "image": {"id": "5d" * 32},
        "scale": 0.9,
        "end": 0.8,
        "preprocessor": "canny",
    },
    "controls[].preprocessor": {"name": "canny", "low": 50, "high": 150},
}


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


def _value(row: PartField, *, answers: bool) -> fields.Field[Any]:
    """Return the field for a value that is not a picture."""
    told: dict[str, Any] = {"description": row.meaning, **described_limit(row, row.limit)}
    if row.default is not None and not answers:
        told["default"] = row.default
    if "enum" in told and row.is_optional and not answers:
        told["enum"] = [*told["enum"], None]
    if answers and row.name in PLAIN:
        told.pop("enum", None)  # another release may have stored a word that this one does not know
    if answers and not row.is_required:
        told["optional"] = True
    options: dict[str, Any] = {"allow_none": row.is_optional, "metadata": told}
    if isinstance(row.limit, IntegerRange):
        return fields.Integer(**options)
    return (
        fields.Float(**options) if isinstance(row.limit, NumberRange) else fields.String(**options)
    )


def _field(member: AnyPartField, *, answers: bool) -> fields.Field[Any]:
    """Return the field of a body or of an answer for a field or an object of the table."""
    if isinstance(member, PartField):
        if not member.is_picture:
            return _value(member, answers=answers)
        schema: Any = _PictureIdSchema if answers else _SentPictureSchema
        null = member.is_optional and not answers
        return _nested(schema, member.meaning, answers=answers, null=null)
    schema = _schema(member.name, answers=answers)
    if member.is_list:
        told = {"description": member.meaning, "optional": answers}
        most = validate.Length(max=member.most)
        inner = fields.Nested(schema)
        return fields.List(inner, allow_none=not answers, validate=most, metadata=told)
    if member.short and not answers:
        return _text_or_object(member, schema)
    # An entry of a list has null for an object that it does not have.
    is_inner = "." in member.name
    return _nested(schema, member.meaning, answers=answers, null=is_inner or not answers)


@cache
def _schema(path: str, *, answers: bool) -> type[Schema]:
    """Return the schema of the object of the table at `path`. It is the same class each time."""
    part = OBJECTS[path]
    members = {own: _field(each, answers=answers) for own, each in part.members.items()}
    for own, each in part.members.items():
        members[own].required = isinstance(each, PartField) and each.is_required
    base: type[Schema] = AnswerSchema if answers else Schema
    name = part.kind.__name__ + ("Answer" if answers else "") + "Schema"
    described = {"additionalProperties": False, "examples": [_EXAMPLES[part.name]]}
    meta = type("Meta", (getattr(base, "Meta", object),), {"include": members})
    attributes: dict[str, Any] = {"Meta": meta, "__doc__": _doc(part, answers=answers)}
    return type(f"_{name}", (base,), attributes | ({} if answers else {"described": described}))


def _doc(part: PartObject, *, answers: bool) -> str:
    article = "An" if part.kind.__name__[0] in "AEIOU" else "A"
    end = "of a request." if answers else "of a request. A field that is left out has its default."
    return f"{article} {_WORDS[part.name]} {end}"


def _text_or_object(part: PartObject, schema: type[Schema]) -> fields.Field[Any]:
    """Return the field for an object that may also be the text of one of its fields."""
    short = part.members[part.short]
    words = described_limit(short, short.limit) if isinstance(short, PartField) else {}
    told = {"description": part.meaning, "text": {"type": "string", **words}}
    return TextOrNested(schema, allow_none=True, metadata=told)


def sent_picture_field(meaning: str) -> fields.Field[Any]:
    """Return the field of a body that holds a picture. It only describes the body."""
    return fields.Nested(_SentPictureSchema, required=True, metadata={"description": meaning})


def body_field(member: AnyPartField) -> fields.Field[Any]:
    """Return the field of a body that requires this field of the table. It only describes it."""
    field = _field(member, answers=False)
    field.required, field.allow_none = True, False
    return field


def picture_id_field(meaning: str, **options: Any) -> fields.Field[Any]:
    """Return the field of an answer that names a picture by its id."""
    told = {"description": meaning, **options.pop("metadata", {})}
    return fields.Nested(_PictureIdSchema, metadata=told, **options)


def body_parts() -> dict[str, fields.Field[Any]]:
    """Return the fields of a body. They describe it; the application checks the values."""
    return {name: _field(each, answers=False) for name, each in PARTS.items()}


def answer_parts() -> dict[str, fields.Field[Any]]:
    """Return the fields of an answer. Each is there only if the request has it."""
    return {name: _field(each, answers=True) for name, each in PARTS.items()}


def _nested(schema: type[Schema], meaning: str, *, answers: bool, null: bool) -> fields.Field[Any]:
    told: dict[str, Any] = {"description": meaning}
    if answers:
        told["optional"] = True
    return fields.Nested(schema, allow_none=null, metadata=told)
