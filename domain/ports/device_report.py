"""Reports the device that draws, for people."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from domain.models.record import ModelRecord

__all__ = ["DeviceMemory", "DeviceReport", "LoadedModel", "MemoryNeed", "UnknownDevice"]


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The bytes of a device's own memory: `used` by all programs, and `total`."""

    used: int
    total: int


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is loaded. `size` is the bytes of its weights in memory."""

    id: str
    size: int


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What the weights of a model need on a device.

    Attributes:
        bytes: What they take in the precision that the device draws with.
        limit: What weights may take there, with nothing else loaded.
        device: The name of the device.
    """

    bytes: int
    limit: int
    device: str

    @property
    def fits(self) -> bool:
        """Whether the device can hold the model."""
        return self.bytes <= self.limit


class DeviceReport(ABC):
    """Facts of the device that draws. Any thread may read them, and no call blocks."""

    @property
    @abstractmethod
    def plan(self) -> Mapping[str, str | int | bool | None] | None:
        """The options that every picture is drawn with; None until the device is known.

        `compiled` is true if the first picture of each shape takes long. Each generator has its own
        other names.
        """

    @property
    @abstractmethod
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """The loaded models, least recently used first."""

    @property
    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """The versions of Python and of the libraries that draw, by their names."""

    @property
    @abstractmethod
    def memory(self) -> DeviceMemory | None:
        """The memory of the device; None if it has no memory of its own, or does not report it."""

    @abstractmethod
    def need_of(self, model: ModelRecord) -> MemoryNeed | None:
        """Return what a model needs; None until the device is known, or if the model's size is not.

        Only a model that certainly does not fit has a need above the limit.
        """


class UnknownDevice(DeviceReport):
    """The report of a generator that reports nothing."""

    @property
    def plan(self) -> None:
        return None

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        return ()

    @property
    def versions(self) -> Mapping[str, str]:
        return {}

    @property
    def memory(self) -> None:
        return None

    def need_of(self, model: ModelRecord) -> None:
        return None
