"""A report of a device that does not exist."""

from collections.abc import Mapping

from domain.models.record import ModelRecord
from domain.ports.device_report import DeviceMemory, DeviceReport, LoadedModel, MemoryNeed

__all__ = ["PLAN", "FakeDeviceReport"]

PLAN: Mapping[str, str | int | bool | None] = {
    "device": "cuda:1",
    "device_name": "A Fast One",
    "memory_bytes": 80_000_000_000,
    "backend": "torch",
    "dtype": "float16",
    "dtype_of_others": "bfloat16",
    "vae_dtype": "float16",
    "vae_dtype_of_wide_range": "bfloat16",
    "quantization": "none",
    "memory_format": "channels_last",
    "attention": "sdpa",
    "vae_tiling": "auto",
    "offload": "auto",
    "compiled": False,
    "threads": None,
    "batch_limit": 8,
}


class FakeDeviceReport(DeviceReport):
    """Reports the values that a test sets."""

    def __init__(
        self,
        plan: Mapping[str, str | int | bool | None] | None = None,
        loaded: tuple[LoadedModel, ...] = (),
    ) -> None:
        self._plan = plan
        self._loaded = loaded
        self._memory: DeviceMemory | None = None
        self.needs: dict[str, MemoryNeed] = {}

    def hold(self, *loaded: LoadedModel, memory: DeviceMemory | None = None) -> None:
        """From now on report these loaded models and this memory."""
        self._loaded = loaded
        self._memory = memory

    @property
    def plan(self) -> Mapping[str, str | int | bool | None] | None:
        return self._plan

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        return self._loaded

    @property
    def versions(self) -> Mapping[str, str]:
        return {"python": "3.11.2", "torch": "2.10.0"}

    @property
    def memory(self) -> DeviceMemory | None:
        return self._memory

    def need_of(self, model: ModelRecord) -> MemoryNeed | None:
        return self.needs.get(model.id)
