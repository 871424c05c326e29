"""diffusers behind the port, imported when it is first needed."""

import contextlib
import gc
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from adapters.diffusion.device_report import EngineReport
from application.settings.plan_overrides import PlanOverrides
from domain.ports.device_report import DeviceReport
from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    ImageGenerator,
)
from domain.ports.model_locator import ModelLocator

if TYPE_CHECKING:
    from adapters.diffusion.engine import Engine

__all__ = ["DiffusersImageGenerator"]

_log = logging.getLogger(__name__)


class DiffusersImageGenerator(ImageGenerator):
    """Stable Diffusion on the detected device.

    Neither the import of this module nor the constructor imports torch; `prepare` does.

    Args:
        models: Finds the models of a batch on this host.
        overrides: What the operator decides; the rest suits the device.
        cache_bytes: Bytes of weights that stay loaded; None for a share of the device's memory.
        wanted: Fields of `PlanOverrides`, in the place of `overrides`.
    """

    def __init__(
        self,
        models: ModelLocator,
        *,
        overrides: PlanOverrides | None = None,
        cache_bytes: int | None = None,
        **wanted: Any,
    ) -> None:
        self.overrides = PlanOverrides(**wanted) if overrides is None else overrides
        self._models = models
        self._cache_bytes = cache_bytes
        self._engine: Engine | None = None
        self._report = EngineReport(lambda: self._engine)

    @property
    def device(self) -> str | None:
        return None if self._engine is None else self._engine.device.name

    @property
    def largest_batch(self) -> int:
        return 1 if self._engine is None else self._engine.device.plan.batch_limit

    @property
    def report(self) -> DeviceReport:
        return self._report

    def prepare(self) -> None:
        if self._engine is None:
            with _libraries_left_to_themselves():
                self._prepared()

    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        return self._prepared().draw(batch, watcher)

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
                device, self._models, cache_bytes=device.cache_bytes() if limit is None else limit
            )
        return self._engine


@contextlib.contextmanager
def _libraries_left_to_themselves() -> Iterator[None]:
    """The garbage collector does not look at torch and diffusers, which the block imports.

    They are 400,000 objects that live as long as the process. While they are made, the collector
    would look through them again and again, for a tenth of the time that the import takes. Later
    each full collection would go through all of them, and stop every thread for a quarter of a
    second. This happens once, before any pipeline is loaded: the memory of a cycle that is frozen
    is never given back.
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
