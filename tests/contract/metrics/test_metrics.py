"""What all metrics do with the requests they are told of."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from adapters.metrics.prometheus import PrometheusMetrics
from application.ports.metrics import AnsweredRequest, Metrics
from tests.fakes.metrics import FakeMetrics


class _NoState(Collector):
    def collect(self) -> list[object]:  # type: ignore[override]
        return []


@pytest.fixture(params=["fake", "prometheus"])
def metrics(request: pytest.FixtureRequest) -> Metrics:
    if request.param == "fake":
        return FakeMetrics()
    return PrometheusMetrics(CollectorRegistry(), _NoState(), max_waiting=5, max_streams=6)


def lines(metrics: Metrics, *, openmetrics: bool = False) -> list[str]:
    text = metrics.page(openmetrics=openmetrics).body.decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_request_is_on_the_page(metrics: Metrics, openmetrics: bool) -> None:
    for code in (None, "job_not_found"):
        metrics.request_answered(
            AnsweredRequest(
                route="/v1/jobs/{job_id}", method="GET", status=404, seconds=0.5, code=code
            )
        )
    found = [
        line for line in lines(metrics, openmetrics=openmetrics) if "/v1/jobs/{job_id}" in line
    ]
    assert any(line.split()[-1] in ("2", "2.0") for line in found)
    assert all("GET" in line for line in found)


def test_the_page_has_its_media_type(metrics: Metrics) -> None:
    assert metrics.page().content_type.startswith("text/plain")
    page = metrics.page(openmetrics=True)
    assert page.content_type.startswith("application/openmetrics-text")


def test_watched_values_are_read_for_each_page_and_the_last_watch_wins(metrics: Metrics) -> None:
    def shown(name: str) -> list[float]:
        found = [line.split() for line in lines(metrics) if line.split()[0].endswith(name)]
        return [float(value) for _, value in found]

    metrics.watch(waiting_callers=lambda: 99, event_streams=lambda: 99)
    held = {"waiting": 3, "streams": 2}
    metrics.watch(waiting_callers=lambda: held["waiting"], event_streams=lambda: held["streams"])
    assert (shown("waiting_callers"), shown("event_streams")) == ([3], [2])
    held.update(waiting=0, streams=1)
    assert (shown("waiting_callers"), shown("event_streams")) == ([0], [1])
