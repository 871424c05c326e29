"""Refusals that pass: the same request may succeed later."""

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
"""The most characters of a client's name of a model in a message."""
_SOON_SECONDS = 5


class Refused(DomainError):
    """The request is refused for now; `retry_after` is the seconds to wait before the next one."""

    retry_after: int


@dataclass(eq=False)
class QueueFull(Refused):
    """The queue is full, or one caller's share of it is.

    Attributes:
        waiting: The number of jobs that wait: all of them, or the caller's.
        retry_after: Seconds until the first of them will probably be finished.
        of_caller: Whether only the caller's share is full.
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
        predicted: Seconds that the pictures would probably take.
    """

    within: float
    predicted: float

    code = "deadline_unmet"

    @property
    def retry_after(self) -> int:  # type: ignore[override]  # it follows from the facts
        """Seconds until the request would be in time, if no other request is accepted before."""
        return max(1, round(self.predicted - self.within))

    def __str__(self) -> str:
        return (
            f"the pictures would take about {self.predicted:.1f} s, more than the "
            f"{self.within:g} s that the caller allows"
        )


class Activity(StrEnum):
    """What a caller does while it holds one of a bounded number of places."""

    WAITING = "waiting"
    LISTENING = "listening"
    SENDING = "sending"


@dataclass(eq=False)
class TooManyCallers(Refused):
    """Too many callers wait for pictures, listen to events or send large bodies now.

    Attributes:
        activity: What too many of them do.
        retry_after: Seconds to wait before the next request.
    """

    activity: str = Activity.WAITING
    retry_after: int = _SOON_SECONDS

    code = "too_many_callers"

    def __str__(self) -> str:
        if self.activity == Activity.LISTENING:
            return "too many event streams are open"
        if self.activity == Activity.SENDING:
            return "too many large bodies are being sent"
        return "too many requests wait for pictures"


@dataclass(eq=False)
class ModelsNotRead(Refused):
    """No model has this id or name yet, and not all files are read.

    Attributes:
        wanted: The id or name; empty for the default model.
        retry_after: Seconds to wait before the next request.
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
