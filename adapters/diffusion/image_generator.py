"""diffusers behind the port, imported when it is first needed."""

import contextlib
import gc
import logging
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from domain.execution_plan import ExecutionPlan, LoadedModel, PlanOverrides
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.ports.device_report import DeviceMemory, DeviceReport
from domain.ports.image_generator import (
    GeneratedBatch,
    ImageGenerator,
    LoadCallback,
    StepCallback,
)

if TYPE_CHECKING:
    from adapters.diffusion.engine import Engine

__all__ = ["DiffusersImageGenerator"]

_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "openvino")

_log = logging.getLogger(__name__)


class DiffusersImageGenerator(ImageGenerator, DeviceReport):
    """Stable Diffusion on the detected device.

    Neither the import of this module nor the constructor imports torch; `prepare` does.

    Args:
        embed_metadata: Whether a picture carries its parameters.
        cache_bytes: Of weights that stay loaded; None for a share of the device's memory.
        wanted: As `PlanOverrides`: what is to be so; the rest suits the device.
    """

    def __init__(
        self,
        *,
        embed_metadata: bool = True,
        cache_bytes: int | None = None,
        **wanted: Any,
    ) -> None:
        self.overrides = PlanOverrides(**wanted)
        self._cache_bytes = cache_bytes
        self._embed_metadata = embed_metadata
        self._engine: Engine | None = None
        self._on_load: LoadCallback | None = None

    @property
    def device(self) -> str | None:
        return None if self._engine is None else self._engine.device.name

    @property
    def largest_batch(self) -> int:
        return 1 if self._engine is None else self._engine.device.plan.batch_limit

    @property
    def plan(self) -> ExecutionPlan | None:
        return None if self._engine is None else self._engine.device.plan

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        return () if self._engine is None else self._engine.loaded_models

    @property
    def versions(self) -> Mapping[str, str]:
        return _versions()

    @property
    def memory(self) -> DeviceMemory | None:
        return None if self._engine is None else self._engine.device.memory()

    def prepare(self) -> None:
        if self._engine is None:
            with _libraries_left_to_themselves():
                self._prepared()

    @contextmanager
    def watching_loads(self, on_load: LoadCallback) -> Iterator[None]:
        self._on_load = on_load
        try:
            yield
        finally:
            self._on_load = None

    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        *,
        at_once: int = 1,
        on_step: StepCallback | None = None,
    ) -> GeneratedBatch:
        return self._prepared().generate(model, requests, at_once, on_step, self._on_load)

    def _prepared(self) -> "Engine":
        if self._engine is None:
            from adapters.diffusion.quiet import quieten_libraries

            quieten_libraries()
            from adapters.diffusion.devices.device import planned_device
            from adapters.diffusion.engine import Engine

            device = planned_device(self.overrides)
            device.take_over()
            _log.info("drawing with: %s", device.plan)
            limit = self._cache_bytes
            self._engine = Engine(
                device,
                embed_metadata=self._embed_metadata,
                cache_bytes=device.cache_bytes() if limit is None else limit,
            )
        return self._engine


@contextlib.contextmanager
def _libraries_left_to_themselves() -> Iterator[None]:
    """torch and diffusers, which are imported in the block, are nothing for the garbage collector.

    They are 400,000 objects that live as long as the process. While they are made the collector
    would look through them again and again, a tenth of the time that their import takes; and later
    each full collection would go through all of them, and every thread stand still for the quarter
    second it takes. Only once, before any pipeline is loaded: what is frozen in a cycle is never
    given back.
    """
    if gc.get_freeze_count() or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@cache
def _versions() -> Mapping[str, str]:
    """Of what draws; nothing is imported for it."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return MappingProxyType(found)
