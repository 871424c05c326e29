"""The routes of models."""

from http import HTTPStatus
from typing import Any

from adapters.http.description.parameters import path_parameter
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.v1.model_schemas import ModelListSchema, ModelQuerySchema, ModelSchema
from domain.credentials import Scope
from domain.errors import ModelNotFound
from domain.models.record import ModelRecord
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["models_blueprint"]

_MODEL_ID = path_parameter(
    "model_id", "The `id` of the model, in lower or upper case.", minLength=1
)


def models_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/v1/models` and `/v1/models/{id}`."""
    blueprint = Blueprint(
        "models", __name__, url_prefix="/v1", description="The models in the folders."
    )
    protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/models")
    @blueprint.arguments(ModelQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, ModelListSchema)
    def list_models(query: dict[str, Any]) -> dict[str, object]:
        """The models, sorted by path."""
        models = registry.models(**query)
        return {"models": models, "count": len(models), "pending": registry.pending()}

    @blueprint.get("/models/<model_id>", parameters=[_MODEL_ID])
    @blueprint.raises(ModelNotFound)
    @blueprint.response(HTTPStatus.OK, ModelSchema)
    def get_model(model_id: str) -> ModelRecord:
        """One model."""
        return registry.get(model_id)

    return blueprint
