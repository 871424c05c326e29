"""Says how is drawn, for people."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from domain.execution_plan import ExecutionPlan, LoadedModel

__all__ = ["DeviceMemory", "DeviceReport"]


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of a device's own memory: those in use, whoever uses them, and all that there are."""

    used: int
    total: int


class DeviceReport(ABC):
    """What is known of the device that draws. Any thread may ask; nothing is waited for."""

    @property
    @abstractmethod
    def plan(self) -> ExecutionPlan | None:
        """How every picture is drawn; None until the device is known."""

    @property
    @abstractmethod
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """The models that are ready to draw with, least recently used first."""

    @property
    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """Of Python and of the libraries that draw, by their names."""

    @property
    @abstractmethod
    def memory(self) -> DeviceMemory | None:
        """Its memory; None where it has none of its own or does not tell, or is not prepared."""
