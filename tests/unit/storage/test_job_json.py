"""Jobs as text, from one release to the next."""

import json

from adapters.storage.sql.job_json import job_from_json, job_to_json
from application.job import Job
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.samplers import Scheduler
from tests.unit.generation.test_parts import request as any_request
from tests.unit.generation.test_plain import FULL as CARRYING

PLAIN = GenerationRequest(id="a", model_id="a" * 64, prompt="a hill", seed=3)
FULL = GenerationRequest(
    id="a",
    model_id="a" * 64,
    prompt="a hill",
    seed=3,
    scheduler=Scheduler.LCM,
    output_format=OutputFormat.JPEG,
    quality=7,
)


def job(request: GenerationRequest) -> Job:
    return Job(caller="me", request=request, seed_drawn=False, token="ab" * 16, created_at=1.5)


def test_a_scheduler_and_a_format_are_read_back_as_their_types() -> None:
    read = job_from_json(job_to_json(job(FULL)), 0)
    assert read == job(FULL)
    assert isinstance(read.request.scheduler, Scheduler)
    assert isinstance(read.request.output_format, OutputFormat)


def test_a_job_from_before_schedulers_and_formats_matches_the_same_request() -> None:
    values = json.loads(job_to_json(job(PLAIN)))
    for name in ("scheduler", "output_format", "quality"):
        del values["request"][name]
    read = job_from_json(json.dumps(values), 0)
    assert read == job(PLAIN)
    assert read.answers(PLAIN)
    assert not read.answers(FULL)


def test_the_parts_of_a_request_are_read_back_as_they_were() -> None:
    made = job(CARRYING)
    read = job_from_json(job_to_json(made), 0)
    assert read == made
    assert read.foreign is None
    assert read.answers(CARRYING)
    assert not read.answers(any_request(seed=3))


def test_a_job_without_parts_is_stored_without_them() -> None:
    stored = json.loads(job_to_json(job(PLAIN)))["request"]
    assert list(stored) == [
        *("id", "model_id", "prompt", "negative_prompt", "num_inference_steps", "guidance_scale"),
        *("width", "height", "seed", "num_images", "scheduler", "output_format", "quality"),
    ]


def test_a_part_of_a_newer_release_makes_the_job_foreign_and_stays_stored() -> None:
    values = json.loads(job_to_json(job(CARRYING)))
    values["request"]["loras"][0]["blocks"] = [1, 2]
    read = job_from_json(json.dumps(values), 0)
    assert read.foreign is not None
    assert "loras[0].blocks" in read.foreign.reason
    assert not read.answers(read.request)
    assert json.loads(job_to_json(read.refused(9.0)))["request"] == values["request"]
