"""The preprocessors that make the maps of ControlNets."""

from http import HTTPStatus

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from domain.credentials import Scope
from domain.generation.forms.part_fields import PART_FIELDS
from domain.generation.parts import Preprocessor
from domain.limits import IntegerRange
from domain.services.credential_checker import CredentialChecker

__all__ = ["preprocessors_blueprint"]

_WITHIN = "controls[].preprocessor"
_MEANINGS = {
    "canny": "Finds the edges of a picture: white lines on black.",
    "invert": "Swaps light and dark, for drawings in black on white.",
}


class _PreprocessorParameterSchema(AnswerSchema):
    """A whole number that a preprocessor takes."""

    name = fields.String()
    description = fields.String()
    minimum = fields.Integer()
    maximum = fields.Integer()
    default = fields.Integer(metadata={"description": "The value if it is left out."})


class _PreprocessorRecordSchema(AnswerSchema):
    """A preprocessor. Its `name` is what a request says."""

    name = fields.String()
    description = fields.String()
    parameters = fields.List(fields.Nested(_PreprocessorParameterSchema))


class _PreprocessorListSchema(AnswerSchema):
    """All preprocessors."""

    preprocessors = fields.List(fields.Nested(_PreprocessorRecordSchema))
    count = fields.Integer()


def preprocessors_blueprint(checker: CredentialChecker) -> Blueprint:
    """`/v1/preprocessors`."""
    blueprint = Blueprint(
        "preprocessors",
        __name__,
        url_prefix="/v1",
        description="What makes the maps of ControlNets.",
    )
    protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/preprocessors")
    @blueprint.response(HTTPStatus.OK, _PreprocessorListSchema)
    def list_preprocessors() -> dict[str, object]:
        """The preprocessors that `controls` can name. They need no model."""
        found = [_told(name) for name in Preprocessor.PARAMETERS]
        return {"preprocessors": found, "count": len(found)}

    return blueprint


def _told(name: str) -> dict[str, object]:
    return {
        "name": name,
        "description": _MEANINGS[name],
        "parameters": [_parameter(*each) for each in Preprocessor.PARAMETERS[name].items()],
    }


def _parameter(name: str, default: int) -> dict[str, object]:
    row = PART_FIELDS[f"{_WITHIN}.{name}"]
    if not isinstance(row.limit, IntegerRange):
        raise TypeError(f"{row.name} is not a whole number")
    bounds = {"minimum": row.limit.minimum, "maximum": row.limit.maximum}
    return {"name": name, "description": row.plain_meaning, **bounds, "default": default}
