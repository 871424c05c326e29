"""The base of all schemas of answers, and the shape of a problem."""

from collections.abc import Callable
from typing import Any

from marshmallow import EXCLUDE, Schema, fields

__all__ = ["AnswerSchema", "Computed", "ProblemSchema", "TextOrNested"]


class AnswerSchema(Schema):
    """The shape of an answer: every field is always there, unless its metadata says `optional`.

    An answer may hold fields that the schema does not name, so a new field breaks no client.
    """

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Set `required` for the API's description. It has no effect on dumping."""
        field_obj.required = not field_obj.metadata.get("optional", False)


class Computed(fields.Field[Any]):
    """A field whose value is `function` of the dumped object: JSON of this `shape`."""

    _CHECK_ATTRIBUTE = False

    def __init__(
        self, function: Callable[[Any], Any], shape: fields.Field[Any], **options: Any
    ) -> None:
        super().__init__(**options)
        self.shape = shape
        self._function = function

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return self._function(obj)


class TextOrNested(fields.Nested):
    """A field whose value is an object, or a text. Its metadata has the schema of the `text`."""


class _FieldProblemSchema(AnswerSchema):
    field = fields.String(metadata={"description": "The name of the field, or `body`."})
    message = fields.String(
        metadata={"description": "What is wrong with the field, for a person to read."}
    )


class ProblemSchema(AnswerSchema):
    """Problem details (RFC 9457). Match on `code`: it never changes."""

    type = fields.String(
        metadata={
            "format": "uri",
            "description": "`urn:ai-inference:problem:`, followed by the `code`.",
        }
    )
    title = fields.String(metadata={"description": "The name of the status."})
    status = fields.Integer(metadata={"description": "The status of the answer."})
    detail = fields.String(
        metadata={"description": "Names the value and the remedy, for a person to read."}
    )
    code = fields.String(metadata={"description": "A stable word that programs can match."})
    request_id = fields.String(
        allow_none=True,
        metadata={"description": "The `X-Request-ID` of the answer; null for the error of a job."},
    )
    errors = fields.List(
        fields.Nested(_FieldProblemSchema),
        metadata={
            "optional": True,
            "description": "With `invalid_request`, one entry for each wrong field; with "
            "`model_not_found`, the field that names a model beside the checkpoint.",
        },
    )
