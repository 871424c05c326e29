"""Bounds for the time and the memory that a pickle may take."""

from domain.checkpoints.header_values import UnreadableHeader

__all__ = ["PickleBudget"]

# SDXL's pickle has 150,000; that of a training state with its optimizer has about 500,000.
_MOST_INSTRUCTIONS = 1_000_000
# For all tensors that show stored elements more than once; SDXL in float32 has 14 GB.
_MOST_REPEATED_BYTES = 2**34
_LEAST_MEMORY, _MOST_MEMORY = 32 * 2**20, 512 * 2**20


class PickleBudget:
    """Counts the instructions and the memory of the pickles of one file.

    Args:
        size: The size of the file in bytes. A larger file may take more memory.
    """

    def __init__(self, size: int) -> None:
        self._instructions = _MOST_INSTRUCTIONS
        self._memory = min(_LEAST_MEMORY + size, _MOST_MEMORY)
        self._repeated = _MOST_REPEATED_BYTES

    def charge_instructions(self, count: int) -> None:
        """Count instructions. Raise UnreadableHeader if they are too many."""
        self._instructions -= count
        if self._instructions < 0:
            raise UnreadableHeader("it has more pickle instructions than any model file's")

    def charge_memory(self, count: int) -> None:
        """Count bytes of memory. Raise UnreadableHeader if they are too many."""
        self._memory -= count
        if self._memory < 0:
            raise UnreadableHeader("its pickle asks for more memory than any model file's")

    def charge_repeated(self, count: int) -> None:
        """Count bytes that tensors repeat. Raise UnreadableHeader if they are too many."""
        self._repeated -= count
        if self._repeated < 0:
            raise UnreadableHeader("its pickle describes tensors far larger than their data")
