"""Routes about the program itself: its memory, its flags, and refreshes that have no effect."""

from http import HTTPStatus

from flask import Response, jsonify

from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from application.ports.process_report import ProcessReport
from domain.credentials import Scope
from domain.ports.device_report import DeviceReport
from domain.services.credential_checker import CredentialChecker

__all__ = ["program_blueprint"]

_REFRESHED = ("checkpoints", "loras", "vae", "embeddings")
_UNKNOWN = {"error": "unavailable"}
"""AUTOMATIC1111's answer for a memory that it cannot read."""
_FLAGS = {"api": True}
"""The flags of a web UI that serves its API. This service's own settings are not shown."""


def program_blueprint(
    device: DeviceReport, process: ProcessReport, checker: CredentialChecker
) -> Blueprint:
    """`/sdapi/v1/memory`, `/sdapi/v1/cmd-flags` and `/sdapi/v1/refresh-…`."""
    blueprint = Blueprint(
        "sdapi_upkeep",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: the program itself.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/memory")
    @blueprint.response(
        HTTPStatus.OK,
        {
            "type": "object",
            "required": ["ram", "cuda"],
            "properties": {"ram": {"type": "object"}, "cuda": {"type": "object"}},
        },
        description="Bytes: `free`, `used` and `total`; for a device, under `system`.",
    )
    def memory() -> Response:
        """The memory that this process uses, and the memory of the device."""
        own, of_device = process.memory, device.memory
        ram = _UNKNOWN if own is None else _bytes(own.used, own.total)
        cuda = (
            _UNKNOWN if of_device is None else {"system": _bytes(of_device.used, of_device.total)}
        )
        return jsonify({"ram": ram, "cuda": cuda})

    @blueprint.get("/cmd-flags")
    @blueprint.response(HTTPStatus.OK, {"type": "object"})
    def command_line_flags() -> Response:
        """The flags of the program: the API is on."""
        return jsonify(_FLAGS)

    for what in _REFRESHED:
        _add_refresh(blueprint, what)
    return blueprint


def _add_refresh(blueprint: Blueprint, what: str) -> None:
    @blueprint.post(f"/refresh-{what}", endpoint=f"refresh_{what}")
    @blueprint.response(HTTPStatus.OK, {"type": "null"})
    def refresh() -> Response:
        """Does nothing, because the model folders are watched all the time."""
        return jsonify(None)


def _bytes(used: int, total: int) -> dict[str, int]:
    return {"free": max(0, total - used), "used": used, "total": total}
