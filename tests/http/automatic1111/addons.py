"""Models beside the checkpoint, and a service that has some."""

import dataclasses
from typing import Any

from domain.models.record import ModelKind, ModelRecord
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import model_record
from tests.http.conftest import MODEL, Service

__all__ = ["CANNY", "addon", "unit", "with_models"]


def addon(path: str, kind: ModelKind, **changes: Any) -> ModelRecord:
    """Return the record of an add-on whose bytes are its path."""
    return dataclasses.replace(
        model_record(path.encode(), path),
        kind=kind,
        reason=f"it is of kind {kind}",
        is_companion=True,
        **changes,
    )


CANNY = addon("models/control/control_canny.safetensors", ModelKind.CONTROLNET)


def unit(image: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a unit of ControlNet, changed by `changes`."""
    return {"model": "control_canny", **({"image": image} if image else {}), **changes}


def with_models(service: Service, *models: ModelRecord) -> Service:
    """Add models to those of a service. They fit its checkpoint."""
    service.headers.held[MODEL.id] = demo_tensors()
    for model in models:
        service.headers.held[model.id] = addon_tensors(model.kind)
    service.source.others = (*service.source.others, *models)
    service.container.model_registry().refresh()
    return service
