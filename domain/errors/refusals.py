"""What is refused now and may be asked for again."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors.base import DomainError

__all__ = [
    "Activity",
    "DeadlineUnmet",
    "ModelsNotRead",
    "QueueFull",
    "Refused",
    "ShuttingDown",
    "TooManyCallers",
]

_SHOWN_CHARACTERS = 80
"""Of a name that a client sent, in a message."""
_SOON_SECONDS = 5


class Refused(DomainError):
    """Not now; `retry_after` says in how many seconds to try again."""

    retry_after: int


@dataclass(eq=False)
class QueueFull(Refused):
    """The queue is full, or the part of it that one caller may have.

    Attributes:
        waiting: How many jobs wait: all, or those of the caller.
        retry_after: Seconds until the first of them will probably have been drawn.
        of_caller: Whether the caller has its share, and others have room.
    """

    waiting: int
    retry_after: int
    of_caller: bool = False

    code = "queue_full"

    def __str__(self) -> str:
        if self.of_caller:
            return (
                f"{self.waiting} jobs of this caller are already waiting, which is the limit for "
                "one caller"
            )
        return f"the queue is full: {self.waiting} jobs are already waiting"


@dataclass(eq=False)
class DeadlineUnmet(Refused):
    """The pictures would not be ready within the time that you allow.

    Attributes:
        within: Seconds that the caller allows.
        predicted: Seconds that it would probably take.
    """

    within: float
    predicted: float

    code = "deadline_unmet"

    @property
    def retry_after(self) -> int:  # type: ignore[override]  # it follows from the facts
        """Seconds until it would be done in time, if nothing else is accepted meanwhile."""
        return max(1, round(self.predicted - self.within))

    def __str__(self) -> str:
        return (
            f"the pictures would take about {self.predicted:.1f} s, more than the "
            f"{self.within:g} s that the caller allows"
        )


class Activity(StrEnum):
    """What callers do that holds a place, of which there is a bounded number."""

    WAITING = "waiting"
    LISTENING = "listening"


@dataclass(eq=False)
class TooManyCallers(Refused):
    """Too many callers wait for pictures or listen to events now.

    Attributes:
        activity: What too many of them do.
        retry_after: Seconds.
    """

    activity: str = Activity.WAITING
    retry_after: int = _SOON_SECONDS

    code = "too_many_callers"

    def __str__(self) -> str:
        if self.activity == Activity.LISTENING:
            return "too many event streams are open"
        return "too many requests wait for pictures"


@dataclass(eq=False)
class ModelsNotRead(Refused):
    """No model has this id or name yet, and not all files are read.

    Attributes:
        wanted: The id or name; empty for the default model.
        retry_after: Seconds.
    """

    wanted: str = ""
    retry_after: int = _SOON_SECONDS

    code = "models_not_read"

    def __str__(self) -> str:
        what = "the default model is not known yet"
        if self.wanted:
            what = f"no model has the id or name {self.wanted[:_SHOWN_CHARACTERS]!a} now"
        return f"{what}, and not all files are read"


@dataclass(eq=False)
class ShuttingDown(Refused):
    """The service is stopping and takes no new requests."""

    retry_after: int = _SOON_SECONDS

    code = "shutting_down"

    def __str__(self) -> str:
        return "the service is stopping"
