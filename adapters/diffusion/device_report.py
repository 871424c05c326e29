"""Reports the device of the diffusers generator."""

import contextlib
import platform
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING

from adapters.diffusion.devices.capacity import weight_bytes, weight_limit
from domain.models.record import ModelRecord
from domain.ports.device_report import DeviceMemory, DeviceReport, LoadedModel, MemoryNeed

if TYPE_CHECKING:
    from adapters.diffusion.engine import Engine

__all__ = ["EngineReport"]

_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "openvino")


class EngineReport(DeviceReport):
    """Reads what an engine publishes.

    Args:
        engine: Returns the engine; None until the generator is prepared.
    """

    def __init__(self, engine: Callable[[], "Engine | None"]) -> None:
        self._engine = engine

    @property
    def plan(self) -> Mapping[str, str | int | bool | None] | None:
        engine = self._engine()
        return None if engine is None else engine.device.plan.facts

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        engine = self._engine()
        return () if engine is None else engine.loaded_models

    @property
    def versions(self) -> Mapping[str, str]:
        return _versions()

    @property
    def memory(self) -> DeviceMemory | None:
        engine = self._engine()
        return None if engine is None else engine.device.memory()

    def need_of(self, model: ModelRecord) -> MemoryNeed | None:
        engine = self._engine()
        if engine is None or model.parameters is None:
            return None
        plan = engine.device.plan
        # This imports torch, which the engine has imported.
        from adapters.diffusion.devices.probe import host_memory

        return MemoryNeed(
            bytes=weight_bytes(plan, model.parameters, is_narrow=bool(model.schedulers)),
            limit=weight_limit(plan, host_memory()),
            device=plan.device_name,
        )


@cache
def _versions() -> Mapping[str, str]:
    """Return the versions of the libraries that draw, without importing them."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return MappingProxyType(found)
