"""The settings of that web UI, as far as there are such here. Nobody can change them: each request
says what it wants, and what one caller sets would be another's surprise."""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from marshmallow import INCLUDE, Schema, fields

from adapters.http.answers import AnswerSchema
from adapters.http.auth import protect
from adapters.http.parsing import Blueprint
from adapters.http.sdapi.checkpoints import chosen_checkpoint, default_checkpoint, title
from adapters.http.sdapi.door import PREFIX
from adapters.http.sdapi.failures import SdapiFailureSchema
from adapters.http.sdapi.neutral import without_neutral_settings
from adapters.http.sdapi.schemas import SETTINGS
from domain.credentials import Scope
from domain.errors import FieldProblem, InvalidRequest, ModelNotFound, ModelsNotRead
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["options_blueprint"]

_CHECKPOINT_OPTION = "sd_model_checkpoint"


class _SdapiSetOptionsSchema(Schema):
    """Any options, as they are already: what `GET` has answered can be sent back."""

    class Meta:
        unknown = INCLUDE


class _SdapiOptionsSchema(AnswerSchema):
    """What is so for requests that do not override it."""

    sd_model_checkpoint = fields.String(
        allow_none=True, metadata={"description": "Null when there is none to draw with."}
    )
    sd_checkpoint_hash = fields.String(allow_none=True, metadata={"description": "Its SHA-256."})
    sd_vae = fields.String()
    CLIP_stop_at_last_layers = fields.Integer()
    samples_format = fields.String()


def options_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/sdapi/v1/options`."""
    blueprint = Blueprint(
        "sdapi_options",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: options.",
        failure_schema=SdapiFailureSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/options")
    @blueprint.response(HTTPStatus.OK, _SdapiOptionsSchema)
    def get_options() -> dict[str, object]:
        """What is so for every request that says nothing else."""
        return _options(registry)

    @blueprint.post("/options")
    @blueprint.raises(ModelNotFound, ModelsNotRead)
    @blueprint.arguments(_SdapiSetOptionsSchema, required=False)
    @blueprint.response(HTTPStatus.OK, {"type": "null"}, description="All of it is so already.")
    def set_options(wanted: dict[str, Any]) -> Response:
        """Nothing can be set for all requests: what would change anything is refused."""
        _refuse_changes(wanted, registry)
        return jsonify(None)

    return blueprint


def _options(registry: ModelRegistry) -> dict[str, object]:
    model = default_checkpoint(registry)
    return {
        _CHECKPOINT_OPTION: model and title(model),
        "sd_checkpoint_hash": model and model.id,
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "samples_format": "png",
    }


def _refuse_changes(wanted: dict[str, Any], registry: ModelRegistry) -> None:
    """Let pass what is so already, for clients send back all that they have read."""
    current = _options(registry)
    different = without_neutral_settings(
        {name: value for name, value in wanted.items() if value != current.get(name)}
    )
    checkpoint = different.get(_CHECKPOINT_OPTION)
    if isinstance(checkpoint, str) and (
        chosen_checkpoint(registry, checkpoint) == default_checkpoint(registry)
    ):
        del different[_CHECKPOINT_OPTION]
    if different:
        raise InvalidRequest([FieldProblem(name, _remedy(name)) for name in different])


def _remedy(name: str) -> str:
    if name in SETTINGS:
        return f"can not be set for all requests; send override_settings.{name} with each of yours"
    return "can not be changed here; leave it out"
