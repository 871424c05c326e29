"""Bodies of requests for pictures: the schema finds the names, the domain judges the values."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.fields import FIELDS
from domain.generation.judging import JudgedFields
from domain.limits import Limit

__all__ = ["JudgedSchema"]


class JudgedSchema(Schema):
    """The shape of a body that a request for pictures is made of.

    The schema itself finds names that are not known, those that are missing, and nulls. The values
    of `FIELDS` are judged once, by the domain, also beside wrong names, so that a client hears of
    everything at once.
    """

    limits: ClassVar[Mapping[str, Limit]]
    """What the door takes of each field."""

    def load(self, data: Any, **options: Any) -> Any:
        """What `loaded` makes of the body. Raises ValidationError, with a row for each field."""
        problems: dict[Any, Any] = {}
        try:
            found = super().load(data, **options)
        except ValidationError as error:
            if not isinstance(error.valid_data, dict):
                raise  # before any field was looked at
            found, problems = error.valid_data, dict(error.normalized_messages())
        names = {field.data_key or name: name for name, field in self.fields.items()}
        wrong = {names[key] for key in problems if key in names}
        try:
            judged = JudgedFields(self.asked(found), self.limits, wrong=wrong)
        except InvalidRequest as error:
            for row in error.problems:
                key, message = self.told(row, found)
                problems[key] = [*problems.get(key, ()), message]
        if problems:
            # The fields of a request first, then the door's own, then what is unknown.
            order = sorted(names, key=lambda key: names[key] not in FIELDS)
            raise ValidationError(
                {key: problems[key] for key in (*order, *problems) if key in problems}
            )
        return self.loaded(judged, found)

    def asked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a `GenerationRequest` in what the schema found."""
        return {name: value for name, value in found.items() if name in FIELDS}

    def told(self, row: FieldProblem, found: Mapping[str, Any]) -> tuple[str, str]:
        """What is wrong with a field, by the name that this door has for it."""
        return self.fields[row.field].data_key or row.field, row.message

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> Any:
        """What the route gets."""
        return judged
