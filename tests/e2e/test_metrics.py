"""/metrics of the real service: after a drawing, during one, and from its own process."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.service import RunningService, run_service
from tests.paths import DEMO_CHECKPOINT

pytestmark = pytest.mark.torch

Series = dict[str, float]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    models: Path = tmp_path_factory.mktemp("models")
    shutil.copy(DEMO_CHECKPOINT, models)
    with run_service(models, tmp_path_factory.mktemp("service")) as service:
        yield service


def scrape(service: RunningService) -> Series:
    """Return each series' value, by its name and its labels' values."""
    began = time.monotonic()
    answer = service.call("GET", "/metrics", headers={"Accept": "text/plain"})
    assert time.monotonic() - began < 1
    assert answer.status == 200
    return {
        " ".join([sample.name.removeprefix("ai_inference_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def body(service: RunningService, name: str, **changes: object) -> dict[str, object]:
    (model,) = service.call("GET", "/v1/models").json["models"]
    return {"id": name, "model_id": model["id"], "prompt": "a red circle"} | changes


def test_a_drawing_is_counted_and_its_model_is_loaded(service: RunningService) -> None:
    asked = body(service, "one", num_inference_steps=5, width=256, height=256, num_images=2)
    answer = service.call("POST", "/v1/infer", asked)
    assert answer.status == 200
    assert service.call("POST", "/v1/infer", asked).body == answer.body
    series = scrape(service)
    assert series["jobs_finished_total  succeeded"] == 1
    assert series["images_total"] == 2
    assert series["step_seconds_count"] == 2 * 5 - 1
    timings = answer.json["timings"]
    for phase in ("queue", "load", "generate", "encode"):
        assert series[f"job_phase_seconds_count {phase}"] == 1
        assert series[f"job_phase_seconds_sum {phase}"] == pytest.approx(timings[phase], abs=0.01)
    assert series["http_requests_total POST /v1/infer 200"] == 2
    assert (series["models_loaded"], series["models checkpoint true"]) == (1, 1)
    assert series[f"model_loaded_bytes {str(asked['model_id'])[:10]}"] > 1_000_000
    assert (series["queue_jobs"], series["jobs_running"], series["steps_per_second"]) == (0, 0, 0)
    assert series["readiness ready"] == 1
    assert series["process_resident_memory_bytes"] > 100_000_000
    ((build, _),) = [each for each in series.items() if each[0].startswith("build_info ")]
    assert build.split()[1:2] == ["cpu"]


def test_metrics_answer_within_a_second_during_a_drawing(service: RunningService) -> None:
    asked = body(service, "long", num_inference_steps=150, num_images=4)
    assert service.call("POST", "/v1/jobs", asked).status == 202
    deadline = time.monotonic() + 60
    while not (series := scrape(service))["steps_per_second"]:
        assert time.monotonic() < deadline
    assert (series["jobs_running"], series["queue_jobs"]) == (1, 0)
    for _ in range(20):
        assert scrape(service)["jobs_running"] == 1
    assert service.call("DELETE", "/v1/jobs/long").status == 202
    while (series := scrape(service))["jobs_running"]:
        assert time.monotonic() < deadline
    assert series["jobs_finished_total  cancelled"] == 1
    assert series["steps_per_second"] == 0


def test_metrics_need_a_credential(service: RunningService) -> None:
    answer = service.call("GET", "/metrics", headers={"Authorization": "Bearer wrong"})
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
