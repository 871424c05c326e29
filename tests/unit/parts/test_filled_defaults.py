"""What a request leaves out, and what its id keeps."""

import dataclasses
from typing import Any, cast

import pytest

from application.job import Job, JobView
from application.jobs.job_service import JobService
from application.model_choice import ModelChoice
from application.parts import LEFT_OUT, FillDefaults
from domain.errors import JobNotFound
from domain.generation.request import GenerationRequest
from domain.models.defaults import NO_DEFAULTS, ModelDefaults
from domain.models.record import ModelRecord
from domain.samplers import Scheduler
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_source import FakeModelSource, model_record

MODEL = model_record()
VAE = "cd" * 32
OWN = ModelDefaults(4, 1.0, Scheduler.LCM, 2, VAE)
FILLED = {
    "num_inference_steps": 4,
    "guidance_scale": 1.0,
    "scheduler": Scheduler.LCM,
    "clip_skip": 2,
    "vae_id": VAE,
}
OF_SERVICE = {"num_inference_steps": 30, "guidance_scale": 7.5}
ALL = "num_inference_steps guidance_scale scheduler clip_skip vae_id"


class OneJob:
    """Knows one job, or none."""

    def __init__(self, job: Job | None) -> None:
        self._job = job

    def find(self, caller: str, job_id: str) -> JobView:
        """Return the job."""
        if self._job is None or (caller, job_id) != self._job.key:
            raise JobNotFound(job_id)
        return JobView(self._job)


def filling(
    defaults: ModelDefaults = OWN, job: Job | None = None, *, steps: int = 30, **facts: Any
) -> FillDefaults:
    source = FakeModelSource()
    model: ModelRecord = dataclasses.replace(MODEL, defaults=defaults, **facts)
    source.others = (model,)
    registry = ModelRegistry(source)
    registry.refresh()
    choose = ModelChoice(registry, cast(JobService, OneJob(job)))
    return FillDefaults(choose, steps=steps, guidance=7.5)


def job_with(left_out: str | None, **fields: Any) -> Job:
    request = GenerationRequest(id="one", model_id=MODEL.id, prompt="x", seed=1, **fields)
    names = {} if left_out is None else {LEFT_OUT: left_out}
    return Job(
        caller="me", request=request, seed_drawn=True, other_names=names, token="t", created_at=0
    )


def values(
    fill: FillDefaults, job_id: str | None = "one", effort: float = 1, **given: Any
) -> dict[str, Any]:
    of: dict[str, Any] = {"model_id": MODEL.id, "caller": "me"}
    return dict(fill(given, job_id=job_id, effort=effort, **of).values)


def test_the_model_comes_before_the_service() -> None:
    assert values(filling()) == FILLED
    assert values(filling(NO_DEFAULTS)) == OF_SERVICE
    assert values(filling(ModelDefaults(guidance_scale=2.0))) == OF_SERVICE | {
        "guidance_scale": 2.0
    }


@pytest.mark.parametrize("name", sorted(FILLED))
def test_a_given_field_stays(name: str) -> None:
    given: dict[str, Any] = {"scheduler": "Euler", "vae_id": "ef" * 32}
    value = given.get(name, 3)
    assert name not in values(filling(), **{name: value})
    null: dict[str, Any] = {name: None}
    assert values(filling(), **null)[name] == FILLED[name], "null counts as left out"


def test_the_id_of_the_checkpoint_names_the_vae_in_its_file() -> None:
    assert values(filling(), vae_id=MODEL.id)["vae_id"] is None
    assert "vae_id" not in values(filling(lacks_vae=True), vae_id=MODEL.id)


@pytest.mark.parametrize(
    ("steps", "effort", "expected"), [(30, 0.5, 15), (5, 0.5, 3), (1, 0.5, 1), (100, 2, 150)]
)
def test_an_effort_scales_the_default_steps_alone(steps: int, effort: float, expected: int) -> None:
    fill = filling(NO_DEFAULTS, steps=steps)
    assert values(fill, effort=effort)["num_inference_steps"] == expected
    own = filling(ModelDefaults(num_inference_steps=8), steps=steps)
    assert values(own, effort=effort)["num_inference_steps"] == int(8 * effort)
    assert "num_inference_steps" not in values(fill, effort=effort, num_inference_steps=7)


def test_a_request_without_an_id_leaves_no_mark() -> None:
    of: dict[str, Any] = {"model_id": MODEL.id, "caller": "me"}
    assert filling()({}, job_id=None, **of).names == {}
    assert filling()({}, job_id="one", **of).names == {LEFT_OUT: ALL}
    assert filling()({"clip_skip": 1, "vae_id": VAE}, job_id="one", effort=0.5, **of).names == {
        LEFT_OUT: "num_inference_steps*0.5 guidance_scale scheduler"
    }


def test_the_same_body_gets_the_values_of_its_job() -> None:
    job = job_with(ALL, num_inference_steps=11, guidance_scale=3.0, clip_skip=3)
    expected = {
        "num_inference_steps": 11,
        "guidance_scale": 3.0,
        "scheduler": None,
        "clip_skip": 3,
        "vae_id": None,
    }
    for fill in (filling(OWN, job), filling(NO_DEFAULTS, job, steps=99)):
        assert values(fill) == expected
        assert values(fill, job_id="two") != expected


def test_another_body_does_not_get_the_values_of_the_job() -> None:
    gave_steps = job_with("guidance_scale", num_inference_steps=11, guidance_scale=3.0)
    filled = values(filling(OWN, gave_steps))
    assert (filled["num_inference_steps"], filled["guidance_scale"]) == (4, 3.0)
    half = job_with("num_inference_steps*0.5", num_inference_steps=11)
    assert values(filling(OWN, half), effort=0.5)["num_inference_steps"] == 11
    assert values(filling(OWN, half), effort=2)["num_inference_steps"] == 8


def test_a_job_of_an_earlier_release_had_the_defaults_of_the_service() -> None:
    assert values(filling(OWN, job_with(None))) == OF_SERVICE


def test_a_model_that_is_gone_has_no_defaults_and_its_job_keeps_them() -> None:
    registry = ModelRegistry(FakeModelSource())
    job = job_with(ALL, num_inference_steps=11)
    choose = ModelChoice(registry, cast(JobService, OneJob(job)))
    fill = FillDefaults(choose, steps=30, guidance=7.5)
    assert values(fill, job_id=None) == OF_SERVICE
    assert values(fill)["num_inference_steps"] == 11
