"""The counters of /metrics after requests and jobs with a known outcome."""

import pytest
from werkzeug.test import TestResponse

from domain.errors import GenerationFailed, OutOfMemory
from tests.fakes.metrics import FakeMetrics
from tests.http.conftest import AUTHORIZED, Service, infer_body, make_service, make_settings
from tests.http.helpers import fill_queue
from tests.http.metrics.metric_samples import scrape


@pytest.fixture
def service() -> Service:
    """A worker that draws when a test says so."""
    return make_service(make_settings())


def submit(service: Service, **changes: object) -> TestResponse:
    body = infer_body(**changes)
    return service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)


def draw(service: Service, **changes: object) -> None:
    assert submit(service, **changes).status_code == 202
    service.container.job_service().run_once()


def finished_by_outcome(service: Service) -> dict[tuple[str, ...], float]:
    """Return the number of jobs by code and outcome, without zeros."""
    counts = scrape(service).all_of("jobs_finished_total")
    return {labels: count for labels, count in counts.items() if count}


def test_every_outcome_is_counted_once(service: Service) -> None:
    assert finished_by_outcome(service) == {}
    draw(service, num_images=3)
    draw(service)
    service.generator.failures += [OutOfMemory("x"), GenerationFailed("y"), ValueError("z")]
    for _ in range(3):
        draw(service)
    submit(service, id="waits")
    service.client.delete("/v1/jobs/waits", headers=AUTHORIZED)

    def cancel(_requests: object) -> None:
        service.client.delete("/v1/jobs/runs", headers=AUTHORIZED)

    service.generator.on_begin = cancel
    draw(service, id="runs")
    assert finished_by_outcome(service) == {
        ("", "succeeded"): 2,
        ("out_of_memory", "failed"): 1,
        ("generation_failed", "failed"): 1,
        ("internal_error", "failed"): 1,
        ("", "cancelled"): 2,
    }
    assert scrape(service).of("images_total") == 4


def test_a_replay_is_not_a_second_drawing(service: Service) -> None:
    draw(service, id="once")
    before = scrape(service)
    for _ in range(3):
        assert submit(service, id="once").status_code == 200
        body = infer_body(id="once")
        assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 200
    after = scrape(service)
    for name in ("jobs_finished_total", "images_total", "batch_images_count", "step_seconds_count"):
        assert after.all_of(name) == before.all_of(name)
    assert finished_by_outcome(service) == {("", "succeeded"): 1}


def test_the_phases_are_those_of_succeeded_jobs(service: Service) -> None:
    draw(service)
    service.generator.failures.append(OutOfMemory("x"))
    draw(service)
    draw(service)
    samples = scrape(service)
    counts = samples.all_of("job_phase_seconds_count")
    assert counts == {("encode",): 2, ("generate",): 2, ("load",): 2, ("queue",): 2}
    sums = samples.all_of("job_phase_seconds_sum")
    drawn = (sums["load",], sums["generate",], sums["encode",])
    assert drawn == pytest.approx((0.5, 1.0, 0.25), abs=0.1)
    assert sums["queue",] >= 0
    assert samples.of("job_phase_seconds_bucket", phase="generate", le="0.25") == 0
    assert samples.of("job_phase_seconds_bucket", phase="generate", le="0.5") == 2


def test_batches_and_steps_are_counted(service: Service) -> None:
    draw(service, num_inference_steps=5)
    draw(service, num_inference_steps=3)
    samples = scrape(service)
    assert samples.of("batch_images_count") == samples.of("batch_images_sum") == 2
    assert samples.of("batch_images_bucket", le="1.0") == 2
    assert samples.of("step_seconds_count") == (5 - 1) + (3 - 1)


def test_requests_are_counted_by_route_method_and_status(service: Service) -> None:
    client = service.client
    for number in range(3):
        client.get(f"/v1/jobs/{number}", headers=AUTHORIZED)
    client.get("/v1/jobs/4")
    client.get("/v1/jobs/4/images/2", headers=AUTHORIZED)
    client.delete("/v1/jobs/4", headers=AUTHORIZED)
    client.options("/v1/infer")
    client.head("/health")
    client.get("/openai/v1/models/a/b", headers=AUTHORIZED)
    samples = scrape(service)
    assert samples.all_of("http_requests_total") == {
        ("GET", "/v1/jobs/{job_id}", "404"): 3,
        ("GET", "/v1/jobs/{job_id}", "401"): 1,
        ("GET", "/v1/jobs/{job_id}/images/{number}", "404"): 1,
        ("DELETE", "/v1/jobs/{job_id}", "404"): 1,
        ("OPTIONS", "/v1/infer", "200"): 1,
        ("HEAD", "/health", "200"): 1,
        ("GET", "/openai/v1/models/{model}", "404"): 1,
    }
    assert samples.of(
        "http_request_duration_seconds_count", method="GET", route="/v1/jobs/{job_id}"
    ) == sum((3, 1))
    again = scrape(service)
    assert again.of("http_requests_total", route="/metrics", method="GET", status="200") == 1


def test_made_up_paths_and_methods_are_one_bucket(service: Service) -> None:
    for number in range(20):
        service.client.get(f"/made-up/{number}")
        service.client.open(f"/v1/{number}", method="GET")
        service.client.open("/v1/models", method=f"METHOD{number}")
    service.client.put("/v1/models")
    counts = scrape(service).all_of("http_requests_total")
    assert counts == {
        ("GET", "unmatched", "404"): 40,
        ("other", "unmatched", "405"): 20,
        ("PUT", "unmatched", "405"): 1,
    }


def test_refusals_are_counted_by_code_in_every_api(service: Service) -> None:
    assert scrape(service).of("http_errors_total", code="queue_full") == 0
    fill_queue(service)
    for _ in range(2):
        assert submit(service).status_code == 503
    answer = service.client.post(
        "/openai/v1/images/generations",
        json={"prompt": "x", "model": "a.safetensors"},
        headers=AUTHORIZED,
    )
    assert answer.status_code == 429
    submit(service, num_inference_steps=0)
    service.client.post("/v1/jobs", json={})
    service.client.get("/nope")
    errors = scrape(service).all_of("http_errors_total")
    assert {code: count for (code,), count in errors.items() if count} == {
        "queue_full": 3,
        "invalid_request": 1,
        "unauthenticated": 1,
        "not_found": 1,
    }


def test_a_success_is_not_a_refusal(service: Service) -> None:
    service.client.get("/v1/models", headers=AUTHORIZED)
    assert sum(scrape(service).all_of("http_errors_total").values()) == 0


def test_counters_receive_route_templates_and_known_words_only(service: Service) -> None:
    metrics = FakeMetrics()
    with service.container.metrics.override(metrics):
        service.container.app.reset()
        client = service.container.app().test_client()
        client.get("/v1/jobs/one", headers=AUTHORIZED)
        client.get("/health")
    missing, healthy = metrics.answered
    assert (missing.route, missing.method, missing.status) == ("/v1/jobs/{job_id}", "GET", 404)
    assert (missing.code, healthy.code) == ("job_not_found", None)
    assert 0 <= healthy.seconds < 10
    assert {name: read() for name, read in metrics.readings.items()} == {
        "waiting_callers": 0,
        "event_streams": 0,
    }
