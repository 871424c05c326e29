"""Metrics that record their calls."""

from collections import Counter
from collections.abc import Callable

from application.ports.metrics import AnsweredRequest, Metrics, MetricsPage

__all__ = ["FakeMetrics"]


class FakeMetrics(Metrics):
    """Each line of its page is a word and a number.

    Attributes:
        answered: The requests that were answered, in order.
        readings: The arguments of `watch`.
    """

    def __init__(self) -> None:
        self.answered: list[AnsweredRequest] = []
        self.readings: dict[str, Callable[[], int]] = {}

    def request_answered(self, answered: AnsweredRequest) -> None:
        self.answered.append(answered)

    def watch(
        self, *, waiting_callers: Callable[[], int], event_streams: Callable[[], int]
    ) -> None:
        self.readings = {"waiting_callers": waiting_callers, "event_streams": event_streams}

    def page(self, *, openmetrics: bool = False) -> MetricsPage:
        routes = Counter(f"{each.method} {each.route}" for each in self.answered)
        held = {name: read() for name, read in self.readings.items()}
        lines = [f"{word} {number}\n" for word, number in (routes | held).items()]
        content_type = "application/openmetrics-text" if openmetrics else "text/plain"
        return MetricsPage("".join(lines).encode(), content_type)
