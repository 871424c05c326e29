"""What is known of this process."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

__all__ = ["ProcessMemory", "ProcessReport"]


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Bytes of the host's memory: those that this process holds, and all that there are."""

    used: int
    total: int


class ProcessReport(ABC):
    """Any thread may ask; nothing is waited for, and nothing is raised."""

    @property
    @abstractmethod
    def memory(self) -> ProcessMemory | None:
        """The resident memory of this process; None where the system does not tell."""
