"""The list of the models that can draw, as in the OpenAI API."""

from http import HTTPStatus

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema, Computed
from adapters.http.description.parameters import path_parameter
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.openai.errors import OpenAIErrorSchema
from domain.credentials import Scope
from domain.errors import ModelNotFound, ModelsNotRead
from domain.models.record import ModelRecord
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["PREFIX", "models_blueprint"]

PREFIX = "/openai/v1"

_MODEL = path_parameter(
    "model",
    "The id of the model, ten or more first digits of it, the path, the file name with or without "
    "its extension, or an alias.",
    minLength=1,
)


class _OpenAIModelSchema(AnswerSchema):
    """A model in the form of the OpenAI API."""

    id = fields.String()
    object = fields.Constant("model", metadata={"const": "model"})
    created = Computed(
        lambda model: _seconds(model),
        fields.Integer(),
        metadata={"description": "When the file was last changed, in seconds since 1970."},
    )
    owned_by = fields.Constant("ai-inference", metadata={"const": "ai-inference"})
    name = fields.String(metadata={"description": "The name of the file or folder."})


class _OpenAIModelListSchema(AnswerSchema):
    """The models that can draw."""

    object = fields.Constant("list", metadata={"const": "list"})
    data = fields.List(fields.Nested(_OpenAIModelSchema))


def models_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/openai/v1/models` and `/openai/v1/models/{model}`."""
    blueprint = Blueprint(
        "openai_models",
        __name__,
        url_prefix=PREFIX,
        description="The OpenAI API: models.",
        error_schema=OpenAIErrorSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/models")
    @blueprint.response(HTTPStatus.OK, _OpenAIModelListSchema)
    def list_models() -> dict[str, list[ModelRecord]]:
        """The models that can draw."""
        return {"data": [model for model in registry.models() if model.loadable]}

    @blueprint.get("/models/<path:model>", parameters=[_MODEL])
    @blueprint.raises(ModelNotFound, ModelsNotRead)
    @blueprint.response(HTTPStatus.OK, _OpenAIModelSchema)
    def retrieve_model(model: str) -> ModelRecord:
        """One of these models."""
        found = registry.resolve(model)
        if not found.loadable:  # the list does not have it either
            raise ModelNotFound(model)
        return found

    return blueprint


def _seconds(model: ModelRecord) -> int:
    """Return when the file was last changed, in seconds since 1970; 0 if that is not known."""
    return model.stamp.modified_ns // 1_000_000_000 if model.stamp else 0
