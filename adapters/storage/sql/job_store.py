"""Jobs in a database, through SQLAlchemy."""

import dataclasses
import time
from collections.abc import Collection, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_json import job_to_json
from adapters.storage.sql.job_pictures import insert_drawn_pictures, insert_named_pictures
from adapters.storage.sql.retention import beyond_share
from adapters.storage.sql.rows import (
    FINISHED,
    UNFINISHED,
    delete_jobs,
    delete_numbered,
    key_of,
    owner_of,
    read_jobs,
)
from adapters.storage.sql.tables import jobs
from application.job import Job, JobKey, JobStatus
from application.ports.job_store import JobStore
from domain.errors import StorageUnavailable

__all__ = ["SqlJobStore"]

_REPLACEABLE = (JobStatus.FAILED.value, JobStatus.CANCELLED.value)


class _TakenMeanwhile(Exception):
    """Another transaction has stored a job of the same key."""


class SqlJobStore(JobStore):
    """Jobs in a database; a change is on disk when the call returns.

    Accepted and finished jobs survive a power failure too.
    """

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def accept(self, job: Job, *, instead_of: str | None = None) -> Job:
        while True:
            try:
                return self._insert_or_find(job, instead_of)
            except _TakenMeanwhile:
                continue  # the other job is found now
            except StorageUnavailable:
                # A job that stays is answered also where nothing can be written.
                kept = self.find(job.key)
                if kept is None or kept.can_be_replaced or kept.token == instead_of:
                    raise
                return kept

    def _insert_or_find(self, job: Job, instead_of: str | None) -> Job:
        same = jobs.c.key == key_of(job.key)
        makes_room = jobs.c.status.in_(_REPLACEABLE) | (jobs.c.token == instead_of)
        with self._database.transaction() as connection:
            delete_jobs(connection, same & makes_room)
            there = connection.execute(select(jobs.c.sequence, jobs.c.body).where(same)).all()
            if kept := read_jobs(there):
                return kept[0]
            if there:  # it cannot be read
                delete_jobs(connection, same)
            values = {"key": key_of(job.key), "owner": owner_of(job.caller), "token": job.token}
            try:
                done = connection.execute(insert(jobs).values(values | _changing(job)))
            except IntegrityError as error:
                raise _TakenMeanwhile from error
            assert done.inserted_primary_key is not None  # noqa: S101 - tells mypy
            kept_job = dataclasses.replace(job, sequence=done.inserted_primary_key[0])
            insert_named_pictures(connection, kept_job)
            return kept_job

    def update(self, job: Job, *, patiently: bool = False) -> None:
        # A power failure may lose that a job started; it must not lose how a job ended.
        durable = job.status.finished
        with self._database.transaction(durable=durable, patiently=patiently) as connection:
            same = (jobs.c.key == key_of(job.key)) & (jobs.c.token == job.token)
            unfinished = jobs.c.status.in_(UNFINISHED)
            changed = update(jobs).where(same, unfinished).values(_changing(job))
            if connection.execute(changed).rowcount and job.images:
                insert_drawn_pictures(connection, job)

    def add_bytes(self, job: Job, number: int) -> None:
        with self._database.transaction(durable=False) as connection:
            same = (jobs.c.key == key_of(job.key)) & (jobs.c.token == job.token)
            finished = jobs.c.status.in_(FINISHED)
            more = update(jobs).where(same, finished).values(bytes=jobs.c.bytes + number)
            connection.execute(more)

    def remove(self, job: Job) -> None:
        with self._database.transaction() as connection:
            same = (jobs.c.key == key_of(job.key)) & (jobs.c.token == job.token)
            delete_jobs(connection, same)

    def find(self, key: JobKey) -> Job | None:
        found = select(jobs.c.sequence, jobs.c.body).where(jobs.c.key == key_of(key))
        with self._database.transaction() as connection:
            return next(iter(read_jobs(connection.execute(found))), None)

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> Sequence[Job]:
        rows = select(jobs.c.sequence, jobs.c.body).where(jobs.c.owner == owner_of(caller))
        if status is not None:
            rows = rows.where(jobs.c.status == status.value)
        rows = rows.order_by(jobs.c.sequence.desc())
        found: list[Job] = []
        with self._database.transaction() as connection:
            while len(found) < limit:
                next_rows = rows if before is None else rows.where(jobs.c.sequence < before)
                some = connection.execute(next_rows.limit(limit - len(found))).all()
                if not some:
                    break
                found += read_jobs(some)
                before = some[-1].sequence
        return found

    def unfinished(self) -> Sequence[Job]:
        rows = select(jobs.c.sequence, jobs.c.body).where(jobs.c.status.in_(UNFINISHED))
        with self._database.transaction(patiently=True) as connection:
            there = connection.execute(rows.order_by(jobs.c.sequence)).all()
            read = read_jobs(there)
            broken = {row.sequence for row in there} - {job.sequence for job in read}
            for number in broken:
                row = update(jobs).where(jobs.c.sequence == number)
                ended = {"status": JobStatus.FAILED.value, "finished_at": time.time()}
                connection.execute(row.values(ended))
            return read

    def tokens(self) -> Collection[str]:
        with self._database.transaction(patiently=True) as connection:
            return set(connection.execute(select(jobs.c.token)).scalars())

    def retire(self, *, finished_before: float, keep_bytes: int) -> Collection[str]:
        is_finished = jobs.c.status.in_(FINISHED)
        is_old = is_finished & (jobs.c.finished_at < finished_before)
        old = select(jobs.c.sequence, jobs.c.token).where(is_old)
        with self._database.transaction(patiently=True) as connection:
            gone = connection.execute(old).all()
            delete_numbered(connection, [row.sequence for row in gone])
            beyond = [row for row in beyond_share(connection, keep_bytes) if row.token is not None]
            delete_numbered(connection, [row.sequence for row in beyond])
            return {row.token for row in (*gone, *beyond)}

    def close(self) -> None:
        self._database.close()


def _changing(job: Job) -> dict[str, object]:
    body = job_to_json(job)  # in ASCII, one byte per character
    return {
        "status": job.status.value,
        "finished_at": job.finished_at,
        "bytes": len(body) + sum(image.size for image in job.images or ()),
        "body": body,
    }
