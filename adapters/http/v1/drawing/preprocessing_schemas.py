"""The body of `/v1/preprocess`."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from adapters.http.generation.part_schemas import body_field, sent_picture_field
from adapters.http.generation.schemas import RequestSchema
from adapters.http.generation.sent_pictures import sent_parts
from application.parts import SentParts, SentPicture, sent_problems
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.forms.part_fields import OBJECTS
from domain.generation.parts import Preprocessor

__all__ = ["AskedMap", "PreprocessRequestSchema"]

_NAMES = ("image", "preprocessor")
_WITHIN = "controls[0]."
_SOME_MODEL = "0" * 64
"""Stands for the ControlNet, which a map does not depend on."""
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class AskedMap:
    """A checked body: the picture, and the preprocessor that makes its map."""

    picture: SentPicture
    preprocessor: Preprocessor


class PreprocessRequestSchema(RequestSchema):
    """A picture, and how its map is made."""

    class Meta:
        include: dict[str, fields.Field[Any]] = {  # noqa: RUF012 - marshmallow declares it so
            "image": sent_picture_field("The picture to make the map from."),
            "preprocessor": body_field(OBJECTS["controls[].preprocessor"]),
        }

    def load(self, data: Any, **_: Any) -> AskedMap:
        """Return the picture and the preprocessor.

        Both are checked as those of a control. Raise InvalidRequest if something is wrong.
        """
        rows = [
            FieldProblem(str(name)[:_SHOWN_CHARACTERS], self.error_messages["unknown"])
            for name in data
            if name not in _NAMES
        ]
        rows += [FieldProblem(name, "is required") for name in _NAMES if data.get(name) is None]
        given = {name: data[name] for name in _NAMES if data.get(name) is not None}
        values, wrong = sent_parts({"controls": [{"model_id": _SOME_MODEL, **given}]})
        known = {row.field for row in wrong} | {f"{_WITHIN}{row.field}" for row in rows}
        wrong += sent_problems(values, wrong=known)
        rows += [FieldProblem(row.field.removeprefix(_WITHIN), row.message) for row in wrong]
        if rows:
            raise InvalidRequest(rows)
        parts = SentParts(values)
        (control,) = parts.others["controls"]
        picture = parts.pictures[f"{_WITHIN}image"]
        return AskedMap(picture, Preprocessor(**control["preprocessor"]))
