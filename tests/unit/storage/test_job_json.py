"""Jobs as text, from one release to the next."""

import json

from adapters.storage.sql.job_json import job_from_json, job_to_json
from application.job import Job
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.samplers import Scheduler

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
