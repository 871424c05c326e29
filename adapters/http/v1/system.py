"""The route that describes the device, how it draws, and the limits."""

from http import HTTPStatus

from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.v1.system_schemas import SystemSchema
from application.settings.settings import Settings
from application.version import NAME, VERSION
from domain.credentials import Scope
from domain.ports.device_report import DeviceReport
from domain.services.credential_checker import CredentialChecker

__all__ = ["system_blueprint"]

_LIMITS = (
    *("max_queue", "max_queue_per_caller", "max_waiting", "max_streams", "max_body_bytes"),
    *(
        "max_picture_bytes",
        "max_pixels",
        "batch_wait_ms",
        "model_cache_bytes",
        "job_retention_seconds",
        "job_retention_bytes",
    ),
)


def system_blueprint(
    settings: Settings, report: DeviceReport, checker: CredentialChecker
) -> Blueprint:
    """`/v1/system`."""
    blueprint = Blueprint(
        "system",
        __name__,
        url_prefix="/v1",
        description="What the service runs on, and how it draws.",
    )
    protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/system")
    @blueprint.response(HTTPStatus.OK, SystemSchema)
    def system() -> dict[str, object]:
        """The device, how it draws, and the limits."""
        return {
            "name": NAME,
            "version": VERSION,
            "versions": report.versions,
            "plan": report.plan,
            "loaded_models": report.loaded_models,
            "limits": {name: getattr(settings, name) for name in _LIMITS},
        }

    return blueprint
