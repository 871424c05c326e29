"""Counts of requests, and the page that shows them and all else."""

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
# Of a counter that is not there before it counts, no rate sees the first time.
_AWAITED = (
    "internal_error",
    errors.QueueFull.code,
    errors.DeadlineUnmet.code,
    errors.TooManyCallers.code,
    errors.ShuttingDown.code,
    errors.StorageUnavailable.code,
)


class PrometheusMetrics(Metrics):
    """Prometheus' two text formats of all that is in `registry`, and of this process.

    Args:
        registry: Where others count too; only this object's own, so that several applications
            can live in one process.
        state: What is read when the page is made.
        max_waiting: How many callers may wait for pictures.
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
    """Of those who hold a thread for as long as they like to, by who they are."""

    def __init__(self, max_waiting: int, max_streams: int) -> None:
        self._limits = (max_waiting, max_streams)
        self.readings: tuple[Callable[[], int], Callable[[], int]] = (int, int)

    def collect(self) -> Iterator[Metric]:
        waiting, streams = (read() for read in self.readings)
        max_waiting, max_streams = self._limits
        for name, text, value in (
            ("waiting_callers", "Callers that wait for their pictures.", waiting),
            ("waiting_callers_limit", "Callers that can wait for their pictures.", max_waiting),
            ("event_streams", "Event streams that are open.", streams),
            ("event_streams_limit", "Event streams that can be open.", max_streams),
        ):
            yield GaugeMetricFamily(f"ai_inference_{name}", text, value=value)


class _WithoutCreationTimes(Collector):
    """A registry, without the time at which each series began: as many series again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [
                sample for sample in metric.samples if not sample.name.endswith("_created")
            ]
            yield metric
