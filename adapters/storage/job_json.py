"""Jobs as JSON text. A newer version's fields are passed over, an older one's lack is filled in."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from application.jobs import Job, JobFailure, JobImage, JobStatus
from domain.generation import GenerationRequest, Timings

__all__ = ["job_from_json", "job_to_json"]


def job_to_json(job: Job) -> str:
    """All of a job but its sequence, which the database gives."""
    values = dataclasses.asdict(job)
    del values["sequence"]
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"))


def job_from_json(text: str, sequence: int) -> Job:
    """Read back what `job_to_json` gave. Raises ValueError when it is nothing of the kind."""
    try:
        values = _known(Job, json.loads(text))
        images, failure, timings = (values.get(name) for name in ("images", "failure", "timings"))
        values |= {
            "sequence": sequence,
            "request": GenerationRequest(**_known(GenerationRequest, values["request"])),
            "status": JobStatus(values["status"]),
            "failure": failure and JobFailure(**_known(JobFailure, failure)),
            "images": images and tuple(JobImage(**_known(JobImage, each)) for each in images),
            "timings": timings and Timings(**_known(Timings, timings)),
            "warnings": tuple(values.get("warnings", ())),
        }
        return Job(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is no job: {type(error).__name__}") from error


def _known(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(cls)}
    return {name: value for name, value in values.items() if name in names}
