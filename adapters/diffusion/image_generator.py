"""Implements the image generator with diffusers, which it imports at the first need."""

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
from domain.ports.picture_codec import PictureCodec
from domain.ports.preprocessor import PicturePreprocessor

if TYPE_CHECKING:
    from adapters.diffusion.engine import Engine

__all__ = ["DiffusersImageGenerator"]

_log = logging.getLogger(__name__)


class DiffusersImageGenerator(ImageGenerator):
    """Stable Diffusion on the detected device.

    Neither the import of this module nor the constructor imports torch; `prepare` does.

    Args:
        models: Finds the models of a batch on this host.
        codec: Decodes the pictures of a batch.
        overrides: The operator's choices. The generator chooses the rest to suit the device.
        preprocessor: Makes the maps of ControlNets; None if no batch asks for one.
        cache_bytes: Bytes of weights that stay loaded; None for a share of the device's memory.
        wanted: Fields of `PlanOverrides`, used if `overrides` is None.
    """

    def __init__(
        self,
        models: ModelLocator,
        codec: PictureCodec,
        *,
        preprocessor: PicturePreprocessor | None = None,
        overrides: PlanOverrides | None = None,
        cache_bytes: int | None = None,
        **wanted: Any,
    ) -> None:
        self.overrides = PlanOverrides(**wanted) if overrides is None else overrides
        self._models = models
        self._codec = codec
        self._preprocessor = preprocessor
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
            with _outside_garbage_collection():
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
            device.configure_torch()
            _log.info("drawing with: %s", device.plan)
            limit = self._cache_bytes
            self._engine = Engine(
                device,
                self._models,
                self._codec,
                cache_bytes=device.cache_bytes() if limit is None else limit,
                preprocessor=self._preprocessor,
            )
        return self._engine


@contextlib.contextmanager
def _outside_garbage_collection() -> Iterator[None]:
    """Exclude the objects that the block creates from garbage collection.

    The import of torch and diffusers creates 400,000 objects, which live as long as the process.
    During the import the collector would scan them again and again, which takes a tenth of the
    import's time. Later each full collection would scan all of them, and stop every thread for a
    quarter of a second. This must happen before any pipeline is loaded, because the memory of a
    frozen cycle is never freed.
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
