"""What those who run the service measure it by."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["AnsweredRequest", "Metrics", "MetricsPage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRequest:
    """A request that was answered. All its words are of a bounded number, whatever clients send.

    Attributes:
        route: The template of its address.
        method: Its verb.
        status: The answer's.
        seconds: Until the answer began.
        code: The stable word of the error that it was answered with; None when with none.
    """

    route: str
    method: str
    status: int
    seconds: float
    code: str | None = None


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """All metrics as they are now, in the format that `content_type` names."""

    body: bytes
    content_type: str


class Metrics(ABC):
    """Keeps count of requests, and shows that together with the state of the service.

    Any thread may call any method. None of them waits for the device or the stores.
    """

    @abstractmethod
    def request_answered(self, answered: AnsweredRequest) -> None:
        """Count a request."""

    @abstractmethod
    def watch(
        self, *, waiting_callers: Callable[[], int], event_streams: Callable[[], int]
    ) -> None:
        """From now on, ask these how many callers wait for pictures, and how many streams are
        open, whenever the page is made."""

    @abstractmethod
    def page(self, *, openmetrics: bool = False) -> MetricsPage:
        """The page, in Prometheus' own text format, or as OpenMetrics 1.0."""
