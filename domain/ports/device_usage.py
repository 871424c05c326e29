"""What a device holds."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

__all__ = ["DeviceMemory", "DeviceUsage", "LoadedModel"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to draw with: its id, and the bytes of its weights in memory."""

    id: str
    bytes: int


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of a device's own memory: those in use, whoever uses them, and all that there are."""

    used: int
    total: int


class DeviceUsage(ABC):
    """How full a device is. Any thread may ask, also while it draws; nobody waits for it."""

    @property
    @abstractmethod
    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models that are loaded now, in any order."""

    @property
    @abstractmethod
    def memory(self) -> DeviceMemory | None:
        """Its memory; None where it has none of its own or does not tell, or is not prepared."""
