"""Jobs as JSON text. Fields that an older release did not have get their defaults.

An unknown field of a job, which a newer release added, is skipped. An unknown field of its request
is not: the job would be drawn without it.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from adapters.storage.sql.foreign_jobs import foreign_job
from adapters.storage.sql.value_types import wrong_fields
from application.job import Job, JobFailure, JobImage, JobStatus
from domain.errors import InvalidRequest
from domain.generation.any_request import request_from_plain
from domain.generation.forms.plain import plain_values
from domain.generation.request import Timings

__all__ = ["job_from_json", "job_to_json"]


def job_to_json(job: Job) -> str:
    """Return a job as JSON, without its sequence, which the database assigns.

    For a job that this release could not read in full, only its outcome changes.
    """
    values = dataclasses.asdict(dataclasses.replace(job, foreign=None))
    del values["sequence"], values["foreign"]
    values["request"] = plain_values(job.request)
    if job.foreign is not None:
        ended = {name: values[name] for name in ("status", "finished_at", "failure")}
        values = json.loads(job.foreign.body) | ended
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"))


def job_from_json(text: str, sequence: int) -> Job:
    """Return the job that `job_to_json` wrote.

    A job that another release stored and that this one refuses is `foreign`. Raises ValueError if
    the text is not a job.
    """
    try:
        stored = json.loads(text)
        try:
            return _job(_known(Job, stored), sequence)
        except InvalidRequest as error:
            return foreign_job(stored, sequence, text, reason=str(error))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return foreign_job(stored, sequence, text, reason=f"{type(error).__name__}: {error}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is not a job: {type(error).__name__}") from error


def _job(values: dict[str, Any], sequence: int) -> Job:
    images, failure, timings = (values.get(name) for name in ("images", "failure", "timings"))
    values |= {
        "sequence": sequence,
        "request": request_from_plain(values["request"]),
        "status": JobStatus(values["status"]),
        "failure": failure and JobFailure(**_known(JobFailure, failure)),
        "images": images and tuple(JobImage(**_known(JobImage, each)) for each in images),
        "timings": timings and Timings(**_known(Timings, timings)),
        "warnings": tuple(values.get("warnings", ())),
        "foreign": None,
    }
    job = Job(**values)
    if wrong := wrong_fields(job):
        raise ValueError(f"{', '.join(wrong)}: not of the type that this release stores")
    return job


def _known(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(cls)}
    return {name: value for name, value in values.items() if name in names}
