"""Bodies of requests for pictures: the schema checks the names, and the core the values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from flask import Flask, current_app, has_request_context
from marshmallow import Schema, ValidationError

from adapters.http.edge.auth import current_principal
from adapters.http.generation.sent_pictures import sent_parts
from application.parts import NO_PARTS, SentParts, SentPicture, pictures_in
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.fields import FIELDS
from domain.generation.fields.judging import JudgedFields
from domain.generation.forms.part_fields import PART_NAMES, place_of
from domain.limits import Limit

__all__ = ["Asked", "JudgedSchema", "install_picture_check"]

_PARTS = frozenset(PART_NAMES)
_NO_ROWS: Sequence[FieldProblem] = ()
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})
_EXTENSION = "ai-inference-sent-pictures"


class PictureCheck(Protocol):
    """`RequestMaker.picture_problems`."""

    def __call__(
        self, pictures: Mapping[str, SentPicture], *, caller: str
    ) -> Sequence[FieldProblem]:
        """Return one row for each picture that is unknown or unreadable."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A body, checked as far as it can be without a look-up.

    Attributes:
        fields: The fields of a `GenerationRequest`.
        parts: Its pictures, the models beside the checkpoint and the further passes.
    """

    fields: JudgedFields
    parts: SentParts = NO_PARTS


class JudgedSchema(Schema):
    """The shape of a body that becomes a request for pictures.

    The schema finds unknown and missing names, and nulls. The core checks the values of `FIELDS`
    and of `PARTS` once, even if names are wrong, so that one answer names every problem.

    A schema with parts has the fields of `body_parts`. They only describe the body.
    """

    limits: ClassVar[Mapping[str, Limit]]
    """The API's limit of each field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._has_parts = not _PARTS.isdisjoint(self.load_fields)
        for name in _PARTS:  # marshmallow would spend time on each of them in every body
            self.load_fields.pop(name, None)

    def load(self, data: Any, **options: Any) -> Any:
        """Return `loaded` of the body. Raise ValidationError with a row for each wrong field."""
        parts: Any = NO_PARTS
        rows, sent = _NO_ROWS, _NO_VALUES
        if self._has_parts and isinstance(data, dict) and not _PARTS.isdisjoint(data):
            sent = {name: data[name] for name in data if name in _PARTS}
            data = {name: value for name, value in data.items() if name not in _PARTS}
            parts, rows = self.judged_parts(sent)
        problems: dict[Any, Any] = {}
        try:
            found = super().load(data, **options)
        except ValidationError as error:
            if not isinstance(error.valid_data, dict):
                raise  # before any field was checked
            found, problems = error.valid_data, dict(error.normalized_messages())
        names = {field.data_key or name: name for name, field in self.load_fields.items()}
        wrong = {names[key] for key in problems if key in names}
        try:
            judged = JudgedFields(self.asked(found), self.limits, wrong=wrong)
        except InvalidRequest as error:
            for row in error.problems:
                key, message = self.told(row, found)
                problems[key] = [*problems.get(key, ()), message]
        if problems or rows:
            # The fields of a request first, then its parts, the API's own and unknown fields.
            order = sorted(names, key=lambda key: names[key] not in FIELDS)
            rows = _in_order([*rows, *_picture_problems(sent)])
            of_parts = {row.field: [row.message] for row in rows}
            first = {
                key: problems[key] for key in order if key in problems and names[key] in FIELDS
            }
            raise ValidationError(
                {
                    **first,
                    **of_parts,
                    **{key: problems[key] for key in (*order, *problems) if key in problems},
                }
            )
        return self.loaded(judged, {**found, "parts": parts} if parts else found)

    def asked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a `GenerationRequest` among those that the schema found."""
        return {name: value for name, value in found.items() if name in FIELDS}

    def told(self, row: FieldProblem, found: Mapping[str, Any]) -> tuple[str, str]:
        """Return the API's name of a wrong field, and the message about it."""
        return self.fields[row.field].data_key or row.field, row.message

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> Any:
        """Return the argument of the route.

        `found` has what the schema found, and as `parts` the `SentParts` of a body with parts.
        """
        return Asked(judged, found.get("parts", NO_PARTS))

    def judged_parts(self, values: Mapping[str, Any]) -> tuple[Any, Sequence[FieldProblem]]:
        """Return the parts of a body for `loaded`, and what is wrong with them.

        The parts are the `SentParts` of the body, unless the schema needs more than that.
        """
        found, problems = sent_parts(values, lenient=getattr(self, "null_is_left_out", False))
        wrong = [row.field for row in problems]
        try:
            return SentParts(found, wrong=wrong), problems
        except InvalidRequest as error:
            return NO_PARTS, [*problems, *error.problems]


def install_picture_check(app: Flask, check: PictureCheck) -> None:
    """Let the bodies of `app` name their wrong pictures beside other wrong fields."""
    app.extensions[_EXTENSION] = check


def _picture_problems(values: Mapping[str, Any]) -> Sequence[FieldProblem]:
    """Return one row for each picture of a refused body that is unknown or unreadable."""
    pictures = pictures_in(sent_parts(values)[0])
    if not pictures or not has_request_context():
        return ()
    check: PictureCheck = current_app.extensions[_EXTENSION]
    return check(pictures, caller=current_principal().name)


def _in_order(problems: Sequence[FieldProblem]) -> Sequence[FieldProblem]:
    """Return one row for each field, in the order of the fields. Unknown fields come last."""
    rows = {row.field: row for row in problems}
    return sorted(rows.values(), key=lambda row: place_of(row.field))
