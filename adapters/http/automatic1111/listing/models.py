"""The lists of AUTOMATIC1111's API: checkpoints, upscalers, samplers, schedules, empty lists."""

from http import HTTPStatus

from flask import Response, jsonify
from marshmallow import fields

from adapters.http.automatic1111.checkpoints import stem, title
from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.automatic1111.samplers import (
    SAMPLERS,
    SCHEDULES,
    ListedSampler,
    ListedSchedule,
)
from adapters.http.automatic1111.upscalers import (
    LANCZOS,
    LATENT_MODES,
    NONE,
    REAL_ESRGAN,
    upscaler_models,
)
from adapters.http.description.answers import AnswerSchema, Computed
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from domain.credentials import Scope
from domain.models.record import SHORT_ID, ModelRecord
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["listing_blueprint"]

# Clients fetch these lists when they connect. The lists are empty, because the service supports
# none of these things in a request.
_UNSUPPORTED_LISTS: tuple[tuple[str, object], ...] = (
    ("hypernetworks", []),
    ("face-restorers", []),
    ("prompt-styles", []),
    ("extensions", []),
)


_ANY_SCALE = 4
"""The scale in the web UI's list of an upscaler without a model. It enlarges by any factor."""


class _SdapiCheckpointSchema(AnswerSchema):
    """A checkpoint in the form of AUTOMATIC1111's API."""

    title = Computed(
        title, fields.String(), metadata={"description": "The name of the checkpoint in requests."}
    )
    model_name = Computed(
        stem, fields.String(), metadata={"description": "The file name without its extension."}
    )
    hash = Computed(
        lambda model: model.id[:SHORT_ID],
        fields.String(),
        metadata={"description": "The first digits of the SHA-256 of the file."},
    )
    sha256 = fields.String(attribute="id")
    filename = fields.String(attribute="path")
    config = fields.Constant(None, metadata={"const": None})


class _SdapiSamplerSchema(AnswerSchema):
    """A sampler in the form of AUTOMATIC1111's API."""

    name = fields.String()
    aliases = fields.List(fields.String())
    options = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={
            "description": "`scheduler` is the schedule that `Automatic` means for this "
            "sampler, if there is one."
        },
    )


class _SdapiScheduleSchema(AnswerSchema):
    """A noise schedule in the form of AUTOMATIC1111's API."""

    name = fields.String()
    label = fields.String(
        metadata={"description": "The name of the schedule in requests; `name` is accepted too."}
    )
    aliases = fields.List(fields.String(), allow_none=True)
    default_rho = fields.Float(
        metadata={"description": "The rho of Karras; -1 for other schedules."}
    )
    need_inner_model = fields.Boolean(
        metadata={
            "description": "Whether the schedule is spaced over the timesteps of the training."
        }
    )


class _SdapiUpscalerSchema(AnswerSchema):
    """An upscaler in the form of AUTOMATIC1111's API."""

    name = fields.String(metadata={"description": "The name of the upscaler in requests."})
    model_name = fields.String(
        allow_none=True, metadata={"description": "The file name without its extension."}
    )
    model_path = fields.String(
        allow_none=True, metadata={"description": "The path; null for an upscaler without a model."}
    )
    model_url = fields.Constant(None, metadata={"const": None})
    scale = fields.Integer(
        allow_none=True, metadata={"description": "The factor of the model itself."}
    )


class _SdapiLatentModeSchema(AnswerSchema):
    """A way to enlarge latents, in the form of AUTOMATIC1111's API."""

    name = fields.String(metadata={"description": "The name in `hr_upscaler`."})


class _SdapiRealEsrganSchema(AnswerSchema):
    """A model of Real-ESRGAN, in the form of AUTOMATIC1111's API."""

    name = fields.String()
    path = fields.String()
    scale = fields.Integer(allow_none=True)


def listing_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/sdapi/v1/sd-models` and the other lists."""
    blueprint = Blueprint(
        "sdapi_lists",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: what a tool can choose from.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/sd-models")
    @blueprint.response(HTTPStatus.OK, _SdapiCheckpointSchema(many=True))
    def list_checkpoints() -> list[ModelRecord]:
        """The checkpoints that can draw."""
        return [model for model in registry.models() if model.loadable]

    @blueprint.get("/samplers")
    @blueprint.response(HTTPStatus.OK, _SdapiSamplerSchema(many=True))
    def list_samplers() -> list[ListedSampler]:
        """The samplers. Some checkpoints do not support all of them."""
        return list(SAMPLERS)

    @blueprint.get("/schedulers")
    @blueprint.response(HTTPStatus.OK, _SdapiScheduleSchema(many=True))
    def list_schedulers() -> list[ListedSchedule]:
        """The noise schedules."""
        return list(SCHEDULES)

    @blueprint.get("/upscalers")
    @blueprint.response(HTTPStatus.OK, _SdapiUpscalerSchema(many=True))
    def list_upscalers() -> list[dict[str, object]]:
        """The upscalers that enlarge pictures. The second pass has `latent-upscale-modes` too."""
        return [*map(_without_model, (NONE, LANCZOS)), *_upscalers(registry)]

    @blueprint.get("/latent-upscale-modes")
    @blueprint.response(HTTPStatus.OK, _SdapiLatentModeSchema(many=True))
    def list_latent_modes() -> list[dict[str, str]]:
        """The ways in which the second pass can enlarge latents."""
        return [{"name": name} for name in LATENT_MODES]

    @blueprint.get("/realesrgan-models")
    @blueprint.response(HTTPStatus.OK, _SdapiRealEsrganSchema(many=True))
    def list_real_esrgan() -> list[dict[str, object]]:
        """The upscaler models that the web UI knows as Real-ESRGAN."""
        models = upscaler_models(registry).items()
        return [
            {"name": name, "path": model.path, "scale": model.scale or _ANY_SCALE}
            for name, model in models
            if name in REAL_ESRGAN
        ]

    for name, empty in _UNSUPPORTED_LISTS:
        _add_constant(blueprint, name, empty)
    return blueprint


def _without_model(name: str) -> dict[str, object]:
    return {"name": name, "model_name": None, "model_path": None, "scale": _ANY_SCALE}


def _upscalers(registry: ModelRegistry) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "model_name": stem(model),
            "model_path": model.path,
            "scale": model.scale or _ANY_SCALE,
        }
        for name, model in upscaler_models(registry).items()
    ]


def _add_constant(blueprint: Blueprint, name: str, value: object) -> None:
    described = {"const": value, "type": "array" if isinstance(value, list) else "object"}

    @blueprint.get(f"/{name}", endpoint=f"list_{name.replace('-', '_')}")
    @blueprint.response(HTTPStatus.OK, described)
    def list_nothing() -> Response:
        """An empty list: this service has nothing of this kind."""
        return jsonify(value)
