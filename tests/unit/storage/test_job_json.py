"""Jobs as text, from one release to the next."""

import dataclasses
import json

import pytest

from adapters.storage.sql.job_json import job_from_json, job_to_json
from application.job import Job, JobFailure, JobStatus
from domain.errors import DomainError
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.samplers import Scheduler
from tests.unit.errors.test_domain_errors import SAMPLES
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
    assert isinstance(read.request, GenerationRequest)
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


def failed(failure: JobFailure) -> Job:
    return dataclasses.replace(
        job(PLAIN), status=JobStatus.FAILED, finished_at=2.0, failure=failure
    )


@pytest.mark.parametrize("error", SAMPLES, ids=repr)
def test_a_failed_job_keeps_the_facts_of_its_error(error: DomainError) -> None:
    read = job_from_json(job_to_json(failed(JobFailure.of(error))), 0)
    assert read.foreign is None
    assert read.failure is not None
    assert type(read.failure.error) is type(error)
    assert read.failure.error is not None
    assert read.failure.error.facts == error.facts
    assert (read.failure.code, read.failure.detail) == (error.code, str(error))


def test_a_failure_of_an_older_release_keeps_its_words() -> None:
    values = json.loads(job_to_json(failed(JobFailure("out_of_memory", "too large; ask for less"))))
    del values["failure"]["facts"]
    read = job_from_json(json.dumps(values), 0).failure
    assert read == JobFailure("out_of_memory", "too large; ask for less")
    assert read is not None
    assert read.error is None


def test_facts_that_are_no_table_make_the_job_foreign_and_keep_the_words() -> None:
    values = json.loads(job_to_json(failed(JobFailure("out_of_memory", "too large"))))
    values["failure"]["facts"] = 7
    read = job_from_json(json.dumps(values), 0)
    assert read.foreign is not None
    assert read.failure == JobFailure("out_of_memory", "too large")


def test_the_parts_of_a_request_are_read_back_unchanged() -> None:
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
