"""A model that the scans have seen, with what is known of it so far."""

import os
from concurrent.futures import Future
from dataclasses import dataclass

from adapters.filesystem.scanning.identity import Identity, Reading
from adapters.filesystem.scanning.on_disk import Found
from domain.models.record import PendingModel, PendingState

__all__ = ["SeenModel"]


@dataclass(slots=True)
class SeenModel:
    """A model at a path, with the history of its stamp.

    Attributes:
        found: The file or folder.
        first: When it was first seen with this stamp.
        since: The same, or the time of the last attempt to read it.
        identity: Its identity; None until it is known.
        reading: The progress of reading it; None if it is not being read.
        outcome: The result of reading it; None before and after.
        trouble: Why it could not be read, in a line for the log; None before an attempt.
        reason: The same for a user.
        incomplete: Whether it may be complete at a later scan.
        changed_since_last_scan: Whether it was different at the scan before.
    """

    found: Found
    first: float
    since: float
    identity: Identity | None = None
    reading: Reading | None = None
    outcome: Future[Identity | None] | None = None
    trouble: str | None = None
    reason: str | None = None
    incomplete: bool = False
    changed_since_last_scan: bool = False

    @property
    def is_written_to(self) -> bool:
        """Return True if it changed between two scans, and has not settled since."""
        return self.changed_since_last_scan and self.outcome is None

    def pending(self) -> PendingModel:
        """Return what the list of models says of it while it is not listed."""
        return PendingModel(
            name=os.path.basename(self.found.path),
            path=self.found.path,
            size=self.found.size,
            state=PendingState.SETTLING if self.reading is None else PendingState.HASHING,
            hashed=0 if self.reading is None else self.reading.hashed,
            reason=self.reason or (None if self.reading is None else self.reading.fault),
        )
