"""The routes of ControlNet's extension of the web UI: `/controlnet/…`.

Source of names and shapes: sd-webui-controlnet 1.1.455, `scripts/api.py`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, fields

from adapters.http.automatic1111.controlnet.detecting import (
    MOST_PICTURES,
    AskedMaps,
    DetectedSchema,
    Detecting,
    DetectSchema,
)
from adapters.http.automatic1111.controlnet.models import NO_MODEL, controlnets
from adapters.http.automatic1111.controlnet.modules import MODULES, NO_MODULE, Module
from adapters.http.automatic1111.controlnet.units import MOST_UNITS
from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.prefix import CONTROLNET_PREFIX
from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint, PictureBlueprint
from domain.credentials import Scope
from domain.errors import OutOfMemory, PictureFileTooLarge
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["controlnet_blueprint", "detect_blueprint"]

_VERSION = 2
_CANNY = "canny"
_RED_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
_EXAMPLE: dict[str, Any] = {
    "controlnet_module": _CANNY,
    "controlnet_input_images": [_RED_PIXEL],
    "controlnet_processor_res": 512,
    "controlnet_threshold_a": 100,
    "controlnet_threshold_b": 200,
}


class _UpdateQuerySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    update = fields.Raw(
        metadata={
            "type": "boolean",
            "description": "Changes nothing, because the model folders are watched all the time.",
        }
    )


class _AliasQuerySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    alias_names = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether the modules have the names of the web UI's menu."},
    )


class _ControlNetVersionSchema(AnswerSchema):
    """The version of the API of ControlNet."""

    version = fields.Integer()


class _ControlNetModelsSchema(AnswerSchema):
    """The ControlNets that a request can name."""

    model_list = fields.List(
        fields.String(), metadata={"description": "Names, each with first digits of a SHA-256."}
    )


class _ControlNetModulesSchema(AnswerSchema):
    """The preprocessors."""

    module_list = fields.List(fields.String())
    module_detail = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(metadata={"type": "object"}),
        metadata={"description": "The sliders of each preprocessor."},
    )


class _ControlNetSettingsSchema(AnswerSchema):
    """The settings of ControlNet."""

    control_net_unit_count = fields.Integer(
        metadata={"description": "The most units of a request."}
    )


class _ControlNetTypesSchema(AnswerSchema):
    """What a tool can choose from, by the kind of the map."""

    class Meta(AnswerSchema.Meta):
        ordered = True

    described: ClassVar[Mapping[str, Any]] = {}
    control_types = fields.Dict(
        keys=fields.String(), values=fields.Raw(metadata={"type": "object"})
    )


def controlnet_blueprint(registry: ModelRegistry, checker: CredentialChecker) -> Blueprint:
    """`/controlnet/version`, `model_list`, `module_list`, `control_types` and `settings`."""
    blueprint = Blueprint(
        "sdapi_controlnet",
        __name__,
        url_prefix=CONTROLNET_PREFIX,
        description="AUTOMATIC1111's API: what a tool can choose from for ControlNet.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/version")
    @blueprint.response(HTTPStatus.OK, _ControlNetVersionSchema)
    def controlnet_version() -> dict[str, int]:
        """The version of this API."""
        return {"version": _VERSION}

    @blueprint.get("/model_list")
    @blueprint.arguments(_UpdateQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, _ControlNetModelsSchema)
    def list_controlnets(_: dict[str, Any]) -> dict[str, list[str]]:
        """The ControlNets."""
        return {"model_list": [*controlnets(registry)]}

    @blueprint.get("/module_list")
    @blueprint.arguments(_AliasQuerySchema, location="query")
    @blueprint.response(HTTPStatus.OK, _ControlNetModulesSchema)
    def list_modules(query: dict[str, Any]) -> dict[str, object]:
        """The preprocessors."""
        names = {_name(each, as_label=query["alias_names"]): each for each in MODULES}
        return {
            "module_list": [*names],
            "module_detail": {
                name: {"model_free": False, "sliders": each.sliders} for name, each in names.items()
            },
        }

    @blueprint.get("/control_types")
    @blueprint.response(HTTPStatus.OK, _ControlNetTypesSchema)
    def list_control_types() -> dict[str, object]:
        """The ControlNets and preprocessors by the kind of the map."""
        models = [*controlnets(registry)]
        of_canny = [each for each in models if _CANNY in each.lower()]
        modules = [each.label for each in MODULES]
        return {
            "control_types": {
                "All": _type(modules, models, NO_MODULE, NO_MODEL),
                "Canny": _type(modules, of_canny or models, _CANNY, next(iter(of_canny), NO_MODEL)),
            }
        }

    @blueprint.get("/settings")
    @blueprint.response(HTTPStatus.OK, _ControlNetSettingsSchema)
    def controlnet_settings() -> dict[str, int]:
        """How many units a request may have."""
        return {"control_net_unit_count": MOST_UNITS}

    return blueprint


def detect_blueprint(detect: Detecting, checker: CredentialChecker) -> PictureBlueprint:
    """`/controlnet/detect`."""
    blueprint = PictureBlueprint(
        "sdapi_controlnet_detect",
        __name__,
        url_prefix=CONTROLNET_PREFIX,
        description="AUTOMATIC1111's API: the maps of ControlNet.",
        error_schema=SdapiErrorSchema,
        pictures=MOST_PICTURES,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/detect")
    @blueprint.raises(PictureFileTooLarge, OutOfMemory)
    @blueprint.arguments(DetectSchema, example=_EXAMPLE)
    @blueprint.response(HTTPStatus.OK, DetectedSchema, description="The maps.")
    def detect_maps(asked: AskedMaps) -> dict[str, object]:
        """Make the maps of pictures, without a drawing."""
        return {"images": detect(asked)}

    return blueprint


def _name(module: Module, *, as_label: bool) -> str:
    return module.label if as_label else module.name


def _type(
    modules: list[str], models: list[str], default_module: str, default_model: str
) -> dict[str, object]:
    return {
        "module_list": modules,
        "model_list": [NO_MODEL, *models],
        "default_option": default_module,
        "default_model": default_model,
    }
