"""What is refused now and may be asked for again."""

from domain.errors.base import DomainError

__all__ = [
    "DeadlineUnmet",
    "ModelsNotRead",
    "QueueFull",
    "Refused",
    "ShuttingDown",
    "TooManyCallers",
]

_SHOWN_CHARACTERS = 80
"""Of a name that a client sent, in a message."""


class Refused(DomainError):
    """Not now; `retry_after` says in how many seconds to try again."""

    code = "refused"

    def __init__(self, message: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class QueueFull(Refused):
    """The queue is full: `MAX_QUEUE`, or `MAX_QUEUE_PER_CALLER` for your own jobs."""

    code = "queue_full"

    def __init__(self, *, waiting: int, retry_after: int, of_caller: bool = False) -> None:
        what = f"the queue is full: {waiting} jobs wait already"
        if of_caller:
            what = (
                f"{waiting} of your jobs wait already, which is the most that one caller may have"
            )
        super().__init__(f"{what}; try again in {retry_after} s", retry_after=retry_after)


class DeadlineUnmet(Refused):
    """The pictures would not be ready within the time that `Prefer` allows."""

    code = "deadline_unmet"

    def __init__(self, *, within: float, predicted: float) -> None:
        super().__init__(
            f"the pictures would take about {predicted:.1f} s, more than the {within:g} s that "
            "Prefer allows; allow more time, or leave out handling=strict",
            retry_after=max(1, round(predicted - within)),
        )


class TooManyCallers(Refused):
    """Too many callers wait for pictures or listen to events now."""

    code = "too_many_callers"


class ModelsNotRead(Refused):
    """No model has this id or name yet, and not all files are read.

    Without `wanted` it is the default model that is not known yet.
    """

    code = "models_not_read"

    def __init__(self, wanted: str = "") -> None:
        what = "the default model is not known yet"
        if wanted:
            what = f"no model has the id or name {wanted[:_SHOWN_CHARACTERS]!a} now"
        message = (
            f"{what}, and not all files are read; send the request again in a moment. "
            "GET /v1/models lists the models and the files that are being read"
        )
        super().__init__(message, retry_after=5)


class ShuttingDown(Refused):
    """The service is stopping and takes no new requests."""

    code = "shutting_down"

    def __init__(self) -> None:
        super().__init__(
            "the service is stopping; send the request again in a moment", retry_after=5
        )
