"""The models."""

from http import HTTPStatus
from typing import Any

from adapters.http.auth import protect
from adapters.http.parsing import Blueprint
from adapters.http.schemas import ModelListSchema, ModelQuerySchema, ModelSchema
from domain.credentials import Scope
from domain.models import ModelRecord
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["models_blueprint"]


def models_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/v1/models` and `/v1/models/{id}`."""
    blueprint = Blueprint("models", __name__, url_prefix="/v1", description="The model files.")
    protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/models")
    @blueprint.arguments(ModelQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, ModelListSchema)
    def list_models(query: dict[str, Any]) -> dict[str, object]:
        models = registry.models(**query)
        return {"models": models, "count": len(models), "pending": registry.pending()}

    @blueprint.get("/models/<model_id>")
    @blueprint.response(HTTPStatus.OK, ModelSchema)
    def get_model(model_id: str) -> ModelRecord:
        return registry.get(model_id)

    return blueprint
