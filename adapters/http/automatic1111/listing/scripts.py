"""The scripts of AUTOMATIC1111's API: ControlNet, with the arguments of its units."""

from typing import Any

from marshmallow import fields

from adapters.http.automatic1111.controlnet.units import MOST_UNITS
from adapters.http.automatic1111.unsupported import CONTROLNET
from adapters.http.description.answers import AnswerSchema

__all__ = ["SdapiScriptInfoSchema", "SdapiScriptsSchema", "script_info", "scripts"]

_ROUTES = ("txt2img", "img2img")


class SdapiScriptsSchema(AnswerSchema):
    """The names of the scripts of each route, in lower case."""

    txt2img = fields.List(fields.String())
    img2img = fields.List(fields.String())


class SdapiScriptInfoSchema(AnswerSchema):
    """A script."""

    name = fields.String()
    is_alwayson = fields.Boolean(
        metadata={"description": "Whether it belongs into `alwayson_scripts`."}
    )
    is_img2img = fields.Boolean()
    args = fields.List(fields.Dict(), metadata={"description": "An argument for each unit."})


def scripts() -> dict[str, list[str]]:
    """Return the names of the scripts of each route."""
    return {route: [CONTROLNET] for route in _ROUTES}


def script_info() -> list[dict[str, Any]]:
    """Return what the web UI tells of each script, once for each route."""
    argument = {"label": None, "value": None, "minimum": None, "maximum": None, "step": None}
    return [
        {
            "name": CONTROLNET,
            "is_alwayson": True,
            "is_img2img": route == "img2img",
            "args": [{**argument, "choices": None}] * MOST_UNITS,
        }
        for route in _ROUTES
    ]
