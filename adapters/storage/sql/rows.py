"""Rows of the job tables: how callers and ids are written, and jobs are read and removed."""

import hashlib
import logging
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select

from adapters.storage.sql.job_json import job_from_json
from adapters.storage.sql.tables import job_pictures, jobs
from application.job import Job, JobKey, JobStatus

__all__ = [
    "AT_ONCE",
    "FINISHED",
    "UNFINISHED",
    "delete_jobs",
    "delete_numbered",
    "key_of",
    "owner_of",
    "read_jobs",
]

FINISHED = tuple(status.value for status in JobStatus if status.finished)
UNFINISHED = tuple(status.value for status in JobStatus if not status.finished)
AT_ONCE = 500
"""Rows that one statement deletes: databases limit the number of parameters."""

_log = logging.getLogger(__name__)


def key_of(key: JobKey) -> str:
    """Return a job's key as it is stored."""
    # No id contains NUL, so two different keys never give the same text.
    return _digest(f"{key.id}\0{key.caller}")


def owner_of(caller: str) -> str:
    """Return the name of a caller as it is stored."""
    return _digest(caller)


def read_jobs(rows: Iterable[Any]) -> list[Job]:
    """Return the jobs of these rows, without those that cannot be read."""
    found = []
    for row in rows:
        try:
            found.append(job_from_json(row.body, row.sequence))
        except ValueError as error:
            _log.error("job number %d cannot be read: %s", row.sequence, error)
    return found


def delete_jobs(connection: Connection, chosen: ColumnElement[bool]) -> None:
    """Delete the jobs for which the condition holds, and what is stored of their pictures."""
    # SQLite lets one transaction write at a time, and the first of these makes it the one.
    of_them = job_pictures.c.job.in_(select(jobs.c.sequence).where(chosen))
    connection.execute(delete(job_pictures).where(of_them))
    connection.execute(delete(jobs).where(chosen))


def delete_numbered(connection: Connection, sequences: Collection[int]) -> None:
    """Delete the jobs with these sequences."""
    numbers = list(sequences)
    for start in range(0, len(numbers), AT_ONCE):
        delete_jobs(connection, jobs.c.sequence.in_(numbers[start : start + AT_ONCE]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
