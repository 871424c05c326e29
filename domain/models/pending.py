"""Model files that are not listed yet."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["PendingModel", "PendingState"]


class PendingState(StrEnum):
    """Why a file is not listed yet."""

    SETTLING = "settling"
    HASHING = "hashing"


@dataclass(frozen=True, slots=True)
class PendingModel:
    """A model file that was found and is not listed yet.

    Attributes:
        name: The file's or folder's name.
        path: The path, as in a `ModelRecord`.
        size: The size in bytes.
        state: Why it is not listed yet.
        hashed: The number of bytes that are read so far.
        reason: Why it could not be read, for a user to read; None if nothing has failed.
    """

    name: str
    path: str
    size: int
    state: PendingState
    hashed: int = 0
    reason: str | None = None

    @property
    def is_hashing(self) -> bool:
        """Whether its bytes are being read, so that it may be listed soon."""
        return self.state is PendingState.HASHING
