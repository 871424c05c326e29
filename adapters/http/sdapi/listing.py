"""What there is to choose from, as that API lists it."""

from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields

from adapters.http.auth import protect
from adapters.http.parsing import Blueprint
from adapters.http.sdapi.checkpoints import stem, title
from adapters.http.sdapi.door import PREFIX
from adapters.http.sdapi.samplers import SAMPLERS, SCHEDULES, Sampler, Schedule
from domain.credentials import Scope
from domain.models import SHORT_ID, ModelRecord
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["listing_blueprint"]

# Its clients ask for these when they connect. What is listed there could be named in a request,
# and there is none of it that could.
_NONE_OF: tuple[tuple[str, object], ...] = (
    ("sd-vae", []),
    ("upscalers", []),
    ("latent-upscale-modes", []),
    ("loras", []),
    ("hypernetworks", []),
    ("face-restorers", []),
    ("prompt-styles", []),
    ("embeddings", {"loaded": {}, "skipped": {}}),
    ("scripts", {"txt2img": [], "img2img": []}),
    ("script-info", []),
)


class _CheckpointSchema(Schema):
    title = fields.Function(title)
    model_name = fields.Function(stem)
    hash = fields.Function(lambda model: model.id[:SHORT_ID])
    sha256 = fields.String(attribute="id")
    filename = fields.String(attribute="path")
    config = fields.Constant(None)


class _SamplerSchema(Schema):
    name = fields.String()
    aliases = fields.List(fields.String())
    options = fields.Dict(keys=fields.String(), values=fields.String())


class _ScheduleSchema(Schema):
    name = fields.String()
    label = fields.String()
    aliases = fields.Constant(None)
    default_rho = fields.Constant(-1)
    need_inner_model = fields.Constant(False)


def listing_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/sdapi/v1/sd-models` and the other lists."""
    blueprint = Blueprint(
        "sdapi_lists", __name__, url_prefix=PREFIX, description="AUTOMATIC1111's API: lists."
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/sd-models")
    @blueprint.response(HTTPStatus.OK, _CheckpointSchema(many=True))
    def list_checkpoints() -> list[ModelRecord]:
        return [model for model in registry.models() if model.loadable]

    @blueprint.get("/samplers")
    @blueprint.response(HTTPStatus.OK, _SamplerSchema(many=True))
    def list_samplers() -> list[Sampler]:
        return list(SAMPLERS)

    @blueprint.get("/schedulers")
    @blueprint.response(HTTPStatus.OK, _ScheduleSchema(many=True))
    def list_schedulers() -> list[Schedule]:
        return list(SCHEDULES)

    for name, nothing in _NONE_OF:
        _add_constant(blueprint, name, nothing)
    return blueprint


def _add_constant(blueprint: Blueprint, name: str, value: object) -> None:
    @blueprint.get(f"/{name}", endpoint=f"list_{name.replace('-', '_')}")
    @blueprint.response(HTTPStatus.OK)
    def list_nothing() -> Any:
        return value
