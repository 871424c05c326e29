"""The body of `/v1/preprocess`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from adapters.http.generation.part_schemas import sent_picture_field
from adapters.http.generation.schemas import RequestSchema
from adapters.http.generation.sent_pictures import sent_picture
from application.parts import SentPicture
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.parts import Preprocessor

__all__ = ["AskedMap", "PreprocessRequestSchema"]

_NAMES = [str(word) for word in Preprocessor.LIMITS["name"].words]  # type: ignore[attr-defined]
_SETTINGS = tuple(Preprocessor.LIMITS)
_REQUIRED = ("image", "preprocessor")
_SHOWN_CHARACTERS = 40
_DESCRIBED = {
    "description": "The preprocessor, as in `controls`: its name, or an object with its settings.",
    "oneOf": [
        {"type": "string", "enum": _NAMES},
        {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "enum": _NAMES},
                **{
                    name: {
                        "type": ["integer", "null"],
                        "minimum": limit.minimum,  # type: ignore[attr-defined]
                        "maximum": limit.maximum,  # type: ignore[attr-defined]
                        "description": f"A threshold of `canny`; {Preprocessor.OF_CANNY[name]} "
                        "if left out.",
                    }
                    for name, limit in Preprocessor.LIMITS.items()
                    if name in Preprocessor.OF_CANNY
                },
            },
        },
    ],
}


@dataclass(frozen=True, slots=True)
class AskedMap:
    """A checked body: the picture, and the preprocessor that makes its map."""

    picture: SentPicture
    preprocessor: Preprocessor


class PreprocessRequestSchema(RequestSchema):
    """A picture, and how its map is made."""

    class Meta:
        include = {  # noqa: RUF012 - marshmallow declares it so
            "image": sent_picture_field("The picture to make the map from."),
            "preprocessor": fields.Raw(required=True, metadata=_DESCRIBED),
        }

    def load(self, data: Any, **_: Any) -> AskedMap:
        """Return the picture and the preprocessor. Raise InvalidRequest for a wrong body."""
        rows = [
            FieldProblem(str(name)[:64], self.error_messages["unknown"])
            for name in data
            if name not in self.fields
        ]
        rows += [FieldProblem(name, "is required") for name in _REQUIRED if name not in data]
        picture = sent_picture("image", data["image"]) if "image" in data else None
        if isinstance(picture, FieldProblem):
            rows.append(picture)
        preprocessor = None
        if "preprocessor" in data:
            try:
                preprocessor = _preprocessor(data["preprocessor"])
            except InvalidRequest as error:
                rows += error.problems
        if rows or not isinstance(picture, SentPicture) or preprocessor is None:
            raise InvalidRequest(rows)
        return AskedMap(picture, preprocessor)


def _preprocessor(value: object) -> Preprocessor:
    """Return the preprocessor in a body. Raise InvalidRequest if it is wrong."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping):
        text = f'must be the name of a preprocessor, or an object: {{"name": "{_NAMES[0]}"}}'
        raise InvalidRequest([FieldProblem("preprocessor", text)])
    if unknown := [name for name in value if name not in _SETTINGS]:
        raise InvalidRequest(
            [
                FieldProblem(f"preprocessor.{name[:_SHOWN_CHARACTERS]}", "is not a setting of it")
                for name in unknown
            ]
        )
    if "name" not in value:
        raise InvalidRequest([FieldProblem("preprocessor.name", "is required")])
    try:
        return Preprocessor(**{name: _whole(each) for name, each in value.items()})
    except InvalidRequest as error:
        rows = [FieldProblem(f"preprocessor.{row.field}", row.message) for row in error.problems]
        raise InvalidRequest(rows) from error


def _whole(value: object) -> Any:
    """Return an integer for a value such as 30.0, which is an integer in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
