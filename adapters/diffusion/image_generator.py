"""diffusers behind the port, imported when it is first needed."""

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.generation import GenerationRequest
from domain.models import ModelRecord
from domain.ports.device_usage import DeviceMemory, DeviceUsage, LoadedModel
from domain.ports.image_generator import GeneratedBatch, ImageGenerator, StepCallback

if TYPE_CHECKING:
    from adapters.diffusion.engine import Engine

__all__ = ["DiffusersImageGenerator"]


class DiffusersImageGenerator(ImageGenerator, DeviceUsage):
    """Stable Diffusion on the detected device.

    Neither the import of this module nor the constructor imports torch; `prepare` does.

    Args:
        device: `auto`, `cpu`, `mps`, `cuda` or `cuda:<number>`.
        dtype: `auto`, `float32`, `float16` or `bfloat16`.
        embed_metadata: Whether a picture carries its parameters.
        cache_bytes: Of weights that stay loaded; None for a share of the device's memory.
        max_batch: How many images may be drawn at once; None for what suits the device.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        dtype: str = "auto",
        embed_metadata: bool = True,
        cache_bytes: int | None = None,
        max_batch: int | None = None,
    ) -> None:
        self._wanted = (device, dtype)
        self._cache_bytes = cache_bytes
        self._max_batch = max_batch
        self._embed_metadata = embed_metadata
        self._engine: Engine | None = None

    @property
    def device(self) -> str | None:
        return None if self._engine is None else self._engine.device.name

    @property
    def largest_batch(self) -> int:
        return 1 if self._engine is None else self._engine.largest_batch

    @property
    def loaded(self) -> tuple[LoadedModel, ...]:
        return () if self._engine is None else self._engine.loaded

    @property
    def memory(self) -> DeviceMemory | None:
        return None if self._engine is None else self._engine.device.memory()

    def prepare(self) -> None:
        if self._engine is None:
            self._prepared()
            _leave_libraries_to_themselves()

    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        *,
        at_once: int = 1,
        on_step: StepCallback | None = None,
    ) -> GeneratedBatch:
        return self._prepared().generate(model, requests, at_once, on_step)

    def _prepared(self) -> "Engine":
        if self._engine is None:
            from adapters.diffusion.device import find_device
            from adapters.diffusion.engine import Engine

            device = find_device(*self._wanted)
            limit = self._cache_bytes
            self._engine = Engine(
                device,
                embed_metadata=self._embed_metadata,
                cache_bytes=device.cache_bytes() if limit is None else limit,
                largest_batch=self._max_batch or device.batch_limit,
            )
        return self._engine


def _leave_libraries_to_themselves() -> None:
    # torch and diffusers are 400,000 objects that live as long as the process. Each full collection
    # would go through all of them, and every thread stands still for the quarter second it takes.
    # Only once, before any pipeline is loaded: what is frozen in a cycle is never given back.
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
