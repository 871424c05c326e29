"""Says how pictures are drawn, for people."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DeviceMemory", "DeviceReport", "LoadedModel", "UnknownDevice"]


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of a device's own memory: `used` by all programs, and `total`."""

    used: int
    total: int


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to draw with; `size` is the bytes of its weights as they are loaded."""

    id: str
    size: int


class DeviceReport(ABC):
    """What is known of the device that draws. Any thread may ask; no call waits."""

    @property
    @abstractmethod
    def plan(self) -> Mapping[str, str | int | bool | None] | None:
        """How every picture is drawn, by names that people know; None until the device is known.

        `compiled` is true where the first picture of each shape takes long. The other names are
        the generator's own.
        """

    @property
    @abstractmethod
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """The models that are ready to draw with, least recently used first."""

    @property
    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """The versions of Python and of the libraries that draw, by their names."""

    @property
    @abstractmethod
    def memory(self) -> DeviceMemory | None:
        """The memory of the device; None if it has none of its own, or does not tell."""


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
