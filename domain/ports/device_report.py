"""Says how is drawn, for people."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from domain.execution_plan import ExecutionPlan, LoadedModel

__all__ = ["DeviceReport"]


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
