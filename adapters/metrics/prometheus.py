"""Metrics about requests, and the page that shows all metrics."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics_format
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from application.ports.metrics import AnsweredRequest, Metrics, MetricsPage
from domain import errors

__all__ = ["PrometheusMetrics"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
# `rate()` misses the first increment of a counter that did not exist before it.
_AWAITED = (
    "internal_error",
    errors.QueueFull.code,
    errors.DeadlineUnmet.code,
    errors.TooManyCallers.code,
    errors.ShuttingDown.code,
    errors.StorageUnavailable.code,
)


class PrometheusMetrics(Metrics):
    """All metrics of `registry` and of this process, in Prometheus' two text formats.

    Args:
        registry: Other objects count here too. One registry per application, so that several
            applications can live in one process.
        state: Read when the page is created.
        max_waiting: How many callers may wait for images.
        max_streams: How many event streams may be open.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        state: Collector,
        *,
        max_waiting: int,
        max_streams: int,
    ) -> None:
        self._requests = Counter(
            "ai_inference_http_requests",
            "Requests that were answered.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "ai_inference_http_request_duration_seconds",
            "Seconds from a request to the beginning of its answer.",
            ("route", "method"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "ai_inference_http_errors",
            "Requests that were answered with an error, by the code of the error.",
            ("code",),
            registry=registry,
        )
        for code in _AWAITED:
            self._errors.labels(code)
        self._held = _HeldThreads(max_waiting, max_streams)
        registry.register(state)
        registry.register(self._held)
        ProcessCollector(registry=registry)
        self._shown = _WithoutCreationTimes(registry)

    def request_answered(self, answered: AnsweredRequest) -> None:
        self._requests.labels(answered.route, answered.method, str(answered.status)).inc()
        self._seconds.labels(answered.route, answered.method).observe(answered.seconds)
        if answered.code is not None:
            self._errors.labels(answered.code).inc()

    def watch(
        self, *, waiting_callers: Callable[[], int], event_streams: Callable[[], int]
    ) -> None:
        self._held.readings = (waiting_callers, event_streams)

    def page(self, *, openmetrics: bool = False) -> MetricsPage:
        if openmetrics:
            body: bytes = openmetrics_format.generate_latest(self._shown)  # type: ignore[no-untyped-call]
            return MetricsPage(body, openmetrics_format.CONTENT_TYPE_LATEST)
        return MetricsPage(generate_latest(self._shown), CONTENT_TYPE_PLAIN_0_0_4)


class _HeldThreads(Collector):
    """Gauges of the callers that hold a thread for a long time, by the kind of caller."""

    def __init__(self, max_waiting: int, max_streams: int) -> None:
        self._limits = (max_waiting, max_streams)
        self.readings: tuple[Callable[[], int], Callable[[], int]] = (int, int)

    def collect(self) -> Iterator[Metric]:
        waiting, streams = (read() for read in self.readings)
        max_waiting, max_streams = self._limits
        for name, text, value in (
            ("waiting_callers", "Callers that wait for their images.", waiting),
            (
                "waiting_callers_limit",
                "Callers that may wait for their images at once.",
                max_waiting,
            ),
            ("event_streams", "Event streams that are open.", streams),
            ("event_streams_limit", "Event streams that may be open at once.", max_streams),
        ):
            yield GaugeMetricFamily(f"ai_inference_{name}", text, value=value)


class _WithoutCreationTimes(Collector):
    """A registry without each series' creation time, which would double the number of series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [
                sample for sample in metric.samples if not sample.name.endswith("_created")
            ]
            yield metric
