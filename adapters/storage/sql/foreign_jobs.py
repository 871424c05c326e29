"""Jobs that another release stored and that this one refuses, read as far as possible."""

from collections.abc import Mapping
from types import NoneType
from typing import Any

from adapters.storage.sql.value_types import is_number
from application.job import ForeignJob, Job, JobFailure, JobImage, JobStatus
from domain.errors import InvalidRequest, JobNotReadable
from domain.generation.any_request import AnyRequest, request_as_stored, request_from_plain
from domain.generation.request import Timings

__all__ = ["foreign_job"]


def foreign_job(stored: Mapping[str, Any], sequence: int, text: str, *, reason: str) -> Job:
    """Return the job of a row whose values this release does not accept.

    A job whose status this release does not know counts as failed, with that reason.

    Args:
        stored: The row's JSON.
        sequence: The row's number.
        text: The same as text, to be kept.
        reason: What this release refuses, in words.

    Raises:
        ValueError: the row lacks a value that every job has.
    """
    request = stored["request"]
    caller, token, created = (stored[name] for name in ("caller", "token", "created_at"))
    if not isinstance(request, dict) or not _is_text(caller, token) or not is_number(created):
        raise ValueError("this is not a job")
    status = str(stored["status"])
    is_known = status in list(JobStatus)
    failure = _failure(stored.get("failure"))
    if not is_known:
        reason = f"its status is {status[:40]!a}"
        failure = JobFailure.of(JobNotReadable(reason))
    known = _request(request)
    return Job(
        caller=caller,
        request=known or request_as_stored(request),
        seed_drawn=stored.get("seed_drawn") is True,
        token=token,
        created_at=float(created),
        sequence=sequence,
        status=JobStatus(status) if is_known else JobStatus.FAILED,
        started_at=_number(stored.get("started_at")),
        finished_at=_number(stored.get("finished_at")),
        failure=failure,
        images=_images(stored.get("images")),
        processing_time=_number(stored.get("processing_time")),
        timings=_timings(stored.get("timings")),
        warnings=_texts(stored.get("warnings")),
        foreign=ForeignJob(
            reason, text, has_known_status=is_known, has_known_request=known is not None
        ),
    )


def _request(values: Mapping[str, Any]) -> AnyRequest | None:
    """Return the request, if this release can read all of it."""
    try:
        return request_from_plain(values)
    except (InvalidRequest, ValueError, TypeError):
        return None


def _failure(value: object) -> JobFailure | None:
    if not isinstance(value, dict) or not _is_text(value.get("code"), value.get("detail")):
        return None
    facts = value.get("facts")
    return JobFailure(value["code"], value["detail"], facts if isinstance(facts, dict) else None)


def _images(value: object) -> tuple[JobImage, ...] | None:
    """Return the images, all or none: their numbers are those of their files."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return None
    names = ("width", "height", "size")
    if not all(type(each.get(name)) is int for each in value for name in names):
        return None
    # A picture that was only enlarged has no seed.
    if not all("seed" in each and type(each["seed"]) in (int, NoneType) for each in value):
        return None
    return tuple(
        JobImage(
            seed=each["seed"],
            width=each["width"],
            height=each["height"],
            size=each["size"],
            sha256=each["sha256"] if _is_text(each.get("sha256")) else None,
        )
        for each in value
    )


def _timings(value: object) -> Timings | None:
    if not isinstance(value, dict):
        return None
    names = ("queue", "load", "generate", "encode")
    return Timings(**{name: value[name] for name in names if is_number(value.get(name))})


def _texts(value: object) -> tuple[str, ...]:
    return tuple(filter(_is_text, value)) if isinstance(value, list) else ()


def _number(value: object) -> float | None:
    return float(value) if is_number(value) and isinstance(value, int | float) else None


def _is_text(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)
