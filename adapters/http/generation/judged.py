"""Bodies of requests for pictures: the schema checks the names, and the domain the values."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.fields import FIELDS
from domain.generation.judging import JudgedFields
from domain.limits import Limit

__all__ = ["JudgedSchema"]


class JudgedSchema(Schema):
    """The shape of a body that becomes a request for pictures.

    The schema finds unknown and missing names, and nulls. The domain checks the values of `FIELDS`
    once, even if names are wrong, so that one answer names every problem.
    """

    limits: ClassVar[Mapping[str, Limit]]
    """The API's limit of each field."""

    def load(self, data: Any, **options: Any) -> Any:
        """Return `loaded` of the body. Raise ValidationError with a row for each wrong field."""
        problems: dict[Any, Any] = {}
        try:
            found = super().load(data, **options)
        except ValidationError as error:
            if not isinstance(error.valid_data, dict):
                raise  # before any field was checked
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
            # The fields of a request first, then the API's own fields, then unknown ones.
            order = sorted(names, key=lambda key: names[key] not in FIELDS)
            raise ValidationError(
                {key: problems[key] for key in (*order, *problems) if key in problems}
            )
        return self.loaded(judged, found)

    def asked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a `GenerationRequest` among those that the schema found."""
        return {name: value for name, value in found.items() if name in FIELDS}

    def told(self, row: FieldProblem, found: Mapping[str, Any]) -> tuple[str, str]:
        """Return the API's name of a wrong field, and the message about it."""
        return self.fields[row.field].data_key or row.field, row.message

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> Any:
        """Return the argument of the route."""
        return judged
