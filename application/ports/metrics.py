"""Metrics of the service, for its operators."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["AnsweredRequest", "Metrics", "MetricsPage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRequest:
    """A request that was answered. Each word is one of a bounded number, whatever clients send.

    Attributes:
        route: The template of its path.
        method: The method.
        status: The status of the answer.
        seconds: The time until the answer began.
        code: The code of the error that it was answered with; None without an error.
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
    """Counts requests, and shows the counts together with the state of the service.

    Any thread may call any method. None of them waits for the device or the stores.
    """

    @abstractmethod
    def request_answered(self, answered: AnsweredRequest) -> None:
        """Count a request."""

    @abstractmethod
    def watch(
        self, *, waiting_callers: Callable[[], int], event_streams: Callable[[], int]
    ) -> None:
        """Ask these for the waiting callers and the open streams whenever the page is made."""

    @abstractmethod
    def page(self, *, openmetrics: bool = False) -> MetricsPage:
        """The page, in the text format of Prometheus, or as OpenMetrics 1.0."""
