"""The models that pictures can be drawn with, as that API lists them."""

from http import HTTPStatus

from marshmallow import Schema, fields

from adapters.http.auth import protect
from adapters.http.parsing import Blueprint
from domain.credentials import Scope
from domain.errors import FieldProblem, InvalidRequest, ModelNotFound, ModelsNotRead
from domain.models import ModelRecord
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["PREFIX", "models_blueprint", "named_model"]

PREFIX = "/openai/v1"

_SHOWN_CHARACTERS = 80


class _ModelSchema(Schema):
    id = fields.String()
    object = fields.Constant("model")
    created = fields.Function(lambda model: _seconds(model))
    owned_by = fields.Constant("ai-inference")
    name = fields.String()


class _ModelListSchema(Schema):
    object = fields.Constant("list")
    data = fields.List(fields.Nested(_ModelSchema))


def models_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/openai/v1/models` and `/openai/v1/models/{model}`."""
    blueprint = Blueprint(
        "openai_models", __name__, url_prefix=PREFIX, description="The OpenAI API: models."
    )
    protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/models")
    @blueprint.response(HTTPStatus.OK, _ModelListSchema)
    def list_models() -> dict[str, list[ModelRecord]]:
        return {"data": [model for model in registry.models() if model.loadable]}

    @blueprint.get("/models/<path:model>")
    @blueprint.response(HTTPStatus.OK, _ModelSchema)
    def retrieve_model(model: str) -> ModelRecord:
        found = named_model(registry, model)
        if not found.loadable:  # it is not in the list either
            raise ModelNotFound(model[:_SHOWN_CHARACTERS])
        return found

    return blueprint


def named_model(registry: ModelRegistry, wanted: str) -> ModelRecord:
    """The one model that `wanted` names, among those that can be drawn with where there are any.

    Raises ModelNotFound, ModelsNotRead while that can not be told, and InvalidRequest for several.
    """
    named = registry.named(wanted)
    meant = [model for model in named if model.loadable] or named
    if not meant and registry.awaits(wanted):
        raise ModelsNotRead(wanted[:_SHOWN_CHARACTERS])
    if not meant:
        raise ModelNotFound(wanted[:_SHOWN_CHARACTERS])
    if len(meant) > 1:
        raise InvalidRequest([FieldProblem("model", "names several models; send the id of one")])
    return meant[0]


def _seconds(model: ModelRecord) -> int:
    """When the file was last changed, in seconds since 1970; 0 when that is not known."""
    return model.stamp.modified_ns // 1_000_000_000 if model.stamp else 0
