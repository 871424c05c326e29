"""What is in the model folders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from domain.models import ModelRecord

__all__ = ["ModelSource"]


class ModelSource(ABC):
    """Looks at the places where models lie."""

    @abstractmethod
    def scan(self) -> Sequence[ModelRecord]:
        """Every model that is there now, one record a file, in any order.

        A file that can not be read, is empty or changes under the scan is left out; it never
        stops the scan. Not to be called by two threads at once.
        """
