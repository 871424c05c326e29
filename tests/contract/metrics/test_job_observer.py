"""What every observer of jobs records."""

import dataclasses

import pytest
from prometheus_client import CollectorRegistry

from adapters.metrics.jobs import PrometheusJobObserver
from application.job import Job, JobFailure
from application.ports.job_observer import JobObserver, NoJobObserver
from domain.generation.any_request import result_of
from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from tests.fakes.job_observer import FakeJobObserver

QUEUED = Job(
    caller="me",
    request=GenerationRequest(id="r", model_id="0" * 64, prompt="x", seed=1),
    seed_drawn=False,
    token="t",
    created_at=1.0,
)
RUNNING = QUEUED.started(2.0)
TIMINGS = Timings(queue=1.0, load=2.0, generate=3.0, encode=4.0)
DONE = RUNNING.succeeded(
    9.0,
    result_of(
        QUEUED.request,
        images=(GeneratedImage(b"png", 1, 512, 512), GeneratedImage(b"png", 2, 512, 512)),
        processing_time=9.0,
        timings=TIMINGS,
    ),
)


class Observed:
    """An observer, and what it has recorded."""

    def __init__(self, kind: str) -> None:
        self._registry = CollectorRegistry()
        self._fake = FakeJobObserver()
        prometheus = PrometheusJobObserver(self._registry)
        self.observer: JobObserver = self._fake if kind == "fake" else prometheus
        self._is_fake = kind == "fake"

    def _value(self, name: str, **labels: str) -> float:
        return self._registry.get_sample_value(f"ai_inference_{name}", labels) or 0.0

    def ended(self, outcome: str, code: str = "") -> float:
        if self._is_fake:
            return [(how, why or "") for _, how, why in self._fake.outcomes].count((outcome, code))
        return self._value("jobs_finished_total", outcome=outcome, code=code)

    @property
    def images(self) -> float:
        if self._is_fake:
            return sum(len(job.images or ()) for job in self._fake.ended)
        return self._value("images_total")

    def seconds(self, phase: str) -> float:
        if self._is_fake:
            timings = [job.timings for job in self._fake.ended if job.timings]
            return sum(dataclasses.asdict(each)[phase] for each in timings)
        return self._value("job_phase_seconds_sum", phase=phase)

    @property
    def batches(self) -> tuple[float, float]:
        if self._is_fake:
            return len(self._fake.batches), sum(self._fake.batches)
        return self._value("batch_images_count"), self._value("batch_images_sum")

    @property
    def steps(self) -> tuple[float, float]:
        if self._is_fake:
            return len(self._fake.steps), sum(self._fake.steps)
        return self._value("step_seconds_count"), self._value("step_seconds_sum")


@pytest.fixture(params=["fake", "prometheus"])
def observed(request: pytest.FixtureRequest) -> Observed:
    return Observed(request.param)


def test_a_succeeded_job(observed: Observed) -> None:
    observed.observer.job_ended(DONE)
    observed.observer.job_ended(DONE)
    assert observed.ended("succeeded") == 2
    assert observed.images == 4
    assert [observed.seconds(each) for each in ("queue", "load", "generate", "encode")] == [
        *(2, 4, 6, 8)
    ]


@pytest.mark.parametrize("code", ["out_of_memory", "a_code_that_comes_later"])
def test_a_failed_job(observed: Observed, code: str) -> None:
    observed.observer.job_ended(RUNNING.failed(9.0, JobFailure(code, "too large")))
    assert observed.ended("failed", code) == 1
    assert observed.ended("succeeded") == observed.images == observed.seconds("generate") == 0


@pytest.mark.parametrize("job", [QUEUED, RUNNING])
def test_a_cancelled_job(observed: Observed, job: Job) -> None:
    observed.observer.job_ended(job.cancelled(9.0))
    assert (observed.ended("cancelled"), observed.ended("failed")) == (1, 0)


def test_batches_and_steps(observed: Observed) -> None:
    for images in (1, 4, 200):
        observed.observer.batch_drawn(images)
    for seconds in (0.25, 0.0, 1000.0):
        observed.observer.step_done(seconds)
    assert observed.batches == (3, 205)
    assert observed.steps == (3, 1000.25)


def test_the_usual_outcomes_exist_before_the_first_job() -> None:
    registry = CollectorRegistry()
    PrometheusJobObserver(registry)
    for outcome, code in (
        ("succeeded", ""),
        ("cancelled", ""),
        ("failed", "out_of_memory"),
        ("failed", "generation_failed"),
        ("failed", "internal_error"),
    ):
        labels = {"outcome": outcome, "code": code}
        assert registry.get_sample_value("ai_inference_jobs_finished_total", labels) == 0


def test_the_null_observer_accepts_every_event() -> None:
    observer = NoJobObserver()
    observer.job_ended(DONE)
    observer.batch_drawn(1)
    observer.step_done(0.5)
