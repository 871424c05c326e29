"""The gauges of /metrics rise, and fall again by themselves."""

import dataclasses
from collections.abc import Iterator

import pytest

from application.lifecycle.service import Readiness
from domain.execution_plan import LoadedModel
from domain.models.record import ModelKind, PendingModel, PendingState
from domain.ports.device_report import DeviceMemory
from tests.fakes.model_source import model_record
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    Service,
    infer_body,
    make_service,
    make_settings,
    running_service,
)
from tests.http.helpers import (
    STATES_AT_REST,
    between_submit_and_wait,
    fill_queue,
    in_state,
    occupy_device,
)
from tests.http.metrics.metric_samples import Samples, scrape

OTHER = b"other weights"
OTHER_MODEL = model_record(OTHER, "models/other.safetensors")


@pytest.fixture
def service() -> Iterator[Service]:
    """A worker that draws when a test says so."""
    service = make_service(make_settings(max_queue=5, max_waiting=3, max_streams=4))
    service.source.files[OTHER_MODEL.path] = OTHER
    service.container.model_registry().refresh()
    yield service


def submit(service: Service, **changes: object) -> None:
    response = service.client.post("/v1/jobs", json=infer_body(**changes), headers=AUTHORIZED)
    assert response.status_code == 202


def test_limits_are_those_of_the_settings(service: Service) -> None:
    samples = scrape(service)
    limits = ("queue_limit_jobs", "waiting_callers_limit", "event_streams_limit")
    assert [samples.of(name) for name in limits] == [5, 3, 4]


def test_the_queue_fills_and_empties(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def queue() -> tuple[float | None, float | None]:
        samples = scrape(service)
        return samples.of("queue_jobs"), samples.of("queue_oldest_age_seconds")

    assert queue() == (0, 0)
    submit(service, id="first")
    submit(service, id="second")
    jobs = {job.request.id: job.created_at for job in service.jobs.jobs.values()}
    job_service = service.container.job_service()
    monkeypatch.setattr(job_service, "_now", lambda: jobs["first"] + 7)
    assert queue() == (2, 7)
    service.client.delete("/v1/jobs/first", headers=AUTHORIZED)
    waiting, age = queue()
    assert waiting == 1
    assert age == pytest.approx(7 - (jobs["second"] - jobs["first"]))
    job_service.run_once()
    assert queue() == (0, 0)


def test_a_running_job_no_longer_waits_and_then_disappears() -> None:
    def jobs(service: Service) -> tuple[float | None, float | None]:
        samples = scrape(service)
        return samples.of("queue_jobs"), samples.of("jobs_running")

    with running_service(make_settings()) as service:
        assert jobs(service) == (0, 0)
        running = occupy_device(service)
        assert jobs(service) == (0, 1)
        waiting = fill_queue(service)
        assert jobs(service) == (2, 1)
        assert scrape(service).of("readiness", state="queue_full") == 1
        service.generator.gate.set()
        for submission in (running, *waiting):
            submission.wait(10)
        assert jobs(service) == (0, 0)
        assert scrape(service).of("steps_per_second") == 0


def test_open_streams(service: Service) -> None:
    def streams() -> float | None:
        return scrape(service).of("event_streams")

    submit(service, id="watched")
    assert streams() == 0
    first = service.client.get("/v1/jobs/watched/events", headers=AUTHORIZED)
    second = service.client.get("/v1/jobs/watched/events", headers=AUTHORIZED)
    assert streams() == 2
    first.close()
    assert streams() == 1
    second.close()
    assert streams() == 0


def test_waiting_callers(service: Service) -> None:
    seen: list[float | None] = []

    def meanwhile() -> None:
        seen.append(scrape(service).of("waiting_callers"))
        service.container.job_service().run_once()

    client, _ = between_submit_and_wait(service, meanwhile)
    assert client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED).status_code == 200
    assert seen == [1]
    assert scrape(service).of("waiting_callers") == 0


def test_loaded_models_come_and_go(service: Service) -> None:
    def loaded() -> tuple[float | None, dict[tuple[str, ...], float]]:
        samples = scrape(service)
        return samples.of("models_loaded"), samples.all_of("model_loaded_bytes")

    assert loaded() == (0, {})
    service.report.hold(LoadedModel(MODEL.id, 7_000), LoadedModel(OTHER_MODEL.id, 13_000))
    assert loaded() == (2, {(MODEL.id[:10],): 7_000, (OTHER_MODEL.id[:10],): 13_000})
    service.report.hold(LoadedModel(MODEL.id, 7_000))
    assert loaded() == (1, {(MODEL.id[:10],): 7_000})
    service.report.hold()
    assert loaded() == (0, {})


def test_the_memory_of_the_device_if_it_is_known(service: Service) -> None:
    def memory() -> tuple[float | None, float | None]:
        samples = scrape(service)
        used = samples.of("device_memory_used_bytes")
        return used, samples.of("device_memory_size_bytes")

    assert memory() == (None, None)
    service.report.hold(memory=DeviceMemory(used=6 * 2**30, total=24 * 2**30))
    assert memory() == (6 * 2**30, 24 * 2**30)
    service.report.hold(memory=DeviceMemory(used=2**30, total=24 * 2**30))
    assert memory() == (2**30, 24 * 2**30)


def test_files_that_are_being_hashed(service: Service) -> None:
    def backlog() -> list[tuple[float | None, float | None]]:
        samples = scrape(service)
        files = (samples.of("hash_backlog_files", state=state) for state in PendingState)
        left = (samples.of("hash_backlog_bytes", state=state) for state in PendingState)
        return list(zip(files, left, strict=True))

    assert backlog() == [(0, 0), (0, 0)]
    service.source.pending = (
        PendingModel("a.ckpt", "m/a.ckpt", 100, PendingState.HASHING, hashed=30),
        PendingModel("b.ckpt", "m/b.ckpt", 50, PendingState.HASHING),
        PendingModel("c.ckpt", "m/c.ckpt", 7, PendingState.SETTLING),
    )
    service.container.model_registry().look()
    assert backlog() == [(1, 7), (2, 120)]
    service.source.pending = ()
    service.container.model_registry().look()
    assert backlog() == [(0, 0), (0, 0)]


def test_listed_models(service: Service) -> None:
    def models(samples: Samples) -> dict[tuple[str, ...], float]:
        counts = samples.all_of("models")
        assert len(counts) == 2 * len(ModelKind)
        return {labels: count for labels, count in counts.items() if count}

    assert models(scrape(service)) == {("checkpoint", "true"): 2}
    lora = dataclasses.replace(
        model_record(b"lora", "models/lora.safetensors"), kind=ModelKind.LORA, reason="a LoRA"
    )
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    assert models(scrape(service)) == {("checkpoint", "true"): 2, ("lora", "false"): 1}
    service.source.others = ()
    del service.source.files[OTHER_MODEL.path]
    service.container.model_registry().refresh()
    assert models(scrape(service)) == {("checkpoint", "true"): 1}


@pytest.mark.parametrize("readiness", STATES_AT_REST, ids=str)
def test_exactly_one_state_is_set(readiness: Readiness) -> None:
    service = in_state(readiness)
    states = scrape(service).all_of("readiness")
    assert set(states) == {(each.name.lower(),) for each in Readiness}
    assert [state for (state,), value in states.items() if value] == [readiness.name.lower()]
    (labels,) = scrape(service).all_of("build_info")
    assert labels[0] == ("" if readiness is Readiness.SEEKING_DEVICE else "cpu")
