"""Jobs in a database, through SQLAlchemy."""

import dataclasses
import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from adapters.storage.sql.engine import new_engine
from adapters.storage.sql.job_json import job_from_json, job_to_json
from adapters.storage.sql.schema import bring_up_to_date
from adapters.storage.sql.tables import jobs
from application.fairness import KEPT_WITHOUT_PICTURES, fair_share
from application.job import Job, JobKey, JobStatus
from application.ports.job_store import JobStore
from domain.errors import StorageUnavailable

__all__ = ["SqlJobStore"]

_FINISHED = tuple(status.value for status in JobStatus if status.finished)
_UNFINISHED = tuple(status.value for status in JobStatus if not status.finished)
_REPLACEABLE = (JobStatus.FAILED.value, JobStatus.CANCELLED.value)
_AT_ONCE = 500
"""Rows that one statement deletes: databases limit the number of parameters."""

_log = logging.getLogger(__name__)


class _TakenMeanwhile(Exception):
    """Another transaction has stored a job of the same key."""


class SqlJobStore(JobStore):
    """Jobs behind an SQLAlchemy URL; a change is on disk when the call returns.

    The tables are created, or brought up to date, at the first use. SQLite keeps a write-ahead log
    and synchronises accepted and finished jobs (`synchronous=FULL`), so that both survive a power
    failure too.

    Args:
        url: An SQLAlchemy URL, such as `sqlite:///data/jobs.sqlite`.
        patience: Seconds that SQLite waits for another writer (its busy timeout) while a caller
            waits.
        long_patience: The same if no caller waits.
        before_commit: Called before changes are committed. If it raises, the changes are dropped.
    """

    def __init__(
        self,
        url: str,
        *,
        patience: float = 1.0,
        long_patience: float = 5.0,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._before_commit = before_commit
        self._url = url
        self._patience = patience
        self._long_patience = long_patience
        self._opening = Lock()
        self._engine: Engine | None = None

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
        same = jobs.c.key == _key(job.key)
        makes_room = jobs.c.status.in_(_REPLACEABLE) | (jobs.c.token == instead_of)
        with self._transaction() as connection:
            # SQLite lets one transaction write at a time, and this statement makes it the one.
            connection.execute(delete(jobs).where(same, makes_room))
            there = connection.execute(select(jobs.c.sequence, jobs.c.body).where(same)).all()
            if kept := _read(there):
                return kept[0]
            if there:  # it cannot be read
                connection.execute(delete(jobs).where(same))
            values = {"key": _key(job.key), "owner": _digest(job.caller), "token": job.token}
            try:
                done = connection.execute(insert(jobs).values(values | _changing(job)))
            except IntegrityError as error:
                raise _TakenMeanwhile from error
            assert done.inserted_primary_key is not None  # noqa: S101 - tells mypy
            return dataclasses.replace(job, sequence=done.inserted_primary_key[0])

    def update(self, job: Job, *, patiently: bool = False) -> None:
        # A power failure may lose that a job started; it must not lose how a job ended.
        with self._transaction(durable=job.status.finished, patiently=patiently) as connection:
            same = (jobs.c.key == _key(job.key)) & (jobs.c.token == job.token)
            unfinished = jobs.c.status.in_(_UNFINISHED)
            connection.execute(update(jobs).where(same, unfinished).values(_changing(job)))

    def add_bytes(self, job: Job, number: int) -> None:
        with self._transaction(durable=False) as connection:
            same = (jobs.c.key == _key(job.key)) & (jobs.c.token == job.token)
            finished = jobs.c.status.in_(_FINISHED)
            more = update(jobs).where(same, finished).values(bytes=jobs.c.bytes + number)
            connection.execute(more)

    def remove(self, job: Job) -> None:
        with self._transaction() as connection:
            same = (jobs.c.key == _key(job.key)) & (jobs.c.token == job.token)
            connection.execute(delete(jobs).where(same))

    def find(self, key: JobKey) -> Job | None:
        found = select(jobs.c.sequence, jobs.c.body).where(jobs.c.key == _key(key))
        with self._transaction() as connection:
            return next(iter(_read(connection.execute(found))), None)

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> Sequence[Job]:
        rows = select(jobs.c.sequence, jobs.c.body).where(jobs.c.owner == _digest(caller))
        if status is not None:
            rows = rows.where(jobs.c.status == status.value)
        rows = rows.order_by(jobs.c.sequence.desc())
        found: list[Job] = []
        with self._transaction() as connection:
            while len(found) < limit:
                next_rows = rows if before is None else rows.where(jobs.c.sequence < before)
                some = connection.execute(next_rows.limit(limit - len(found))).all()
                if not some:
                    break
                found += _read(some)
                before = some[-1].sequence
        return found

    def unfinished(self) -> Sequence[Job]:
        rows = select(jobs.c.sequence, jobs.c.body).where(jobs.c.status.in_(_UNFINISHED))
        with self._transaction(patiently=True) as connection:
            there = connection.execute(rows.order_by(jobs.c.sequence)).all()
            read = _read(there)
            broken = {row.sequence for row in there} - {job.sequence for job in read}
            for number in broken:
                row = update(jobs).where(jobs.c.sequence == number)
                ended = {"status": JobStatus.FAILED.value, "finished_at": time.time()}
                connection.execute(row.values(ended))
            return read

    def tokens(self) -> Collection[str]:
        with self._transaction(patiently=True) as connection:
            return set(connection.execute(select(jobs.c.token)).scalars())

    def retire(self, *, finished_before: float, keep_bytes: int) -> Collection[str]:
        is_finished = jobs.c.status.in_(_FINISHED)
        is_old = is_finished & (jobs.c.finished_at < finished_before)
        with self._transaction(patiently=True) as connection:
            gone = _remove(connection, select(jobs.c.sequence, jobs.c.token).where(is_old))
            sums = select(func.sum(jobs.c.bytes)).where(is_finished).group_by(jobs.c.owner)
            share = fair_share(connection.execute(sums).scalars().all(), keep_bytes)
            return gone if share is None else gone | _remove(connection, _beyond_share(share))

    def close(self) -> None:
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def _transaction(
        self, *, durable: bool = True, patiently: bool = False
    ) -> Iterator[Connection]:
        patience = self._long_patience if patiently else self._patience
        try:
            engine = self._opened(patience)
            pool = engine.pool
            try:
                with engine.begin() as connection:
                    if engine.dialect.name == "sqlite":
                        level = "full" if durable else "normal"
                        connection.exec_driver_sql(f"pragma synchronous = {level}")
                        connection.exec_driver_sql(
                            f"pragma busy_timeout = {round(patience * 1000)}"
                        )
                    yield connection
                    self._before_commit()
            finally:
                if engine is not self._engine:
                    # The store was closed in the meantime. Closing gives the engine a new pool, and
                    # the connection of this call has gone back to the old one.
                    pool.dispose()
        except (SQLAlchemyError, OSError) as error:
            # The library's message contains the statement, and the URL's credentials.
            _log.error("the job store failed: %s", _cause(error))
            raise StorageUnavailable(
                "jobs cannot be stored or read now, because the database does not answer or is "
                "locked, full or broken"
            ) from error

    def _opened(self, patience: float) -> Engine:
        if (engine := self._engine) is not None:
            return engine
        if not self._opening.acquire(timeout=patience):
            raise StorageUnavailable("the job database is being opened")
        try:
            if self._engine is None:
                engine = new_engine(self._url, self._patience)
                try:
                    bring_up_to_date(engine, patience=self._long_patience)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine
        finally:
            self._opening.release()


def _beyond_share(share: int) -> Select[tuple[int, str]]:
    """Select the finished jobs beyond the newest `share` bytes of each owner."""
    has_pictures = jobs.c.status == JobStatus.SUCCEEDED.value
    newest_first = (jobs.c.finished_at.desc(), jobs.c.sequence.desc())
    alike = func.row_number().over(partition_by=(jobs.c.owner, has_pictures), order_by=newest_first)
    ranked = (
        select(jobs, (has_pictures | (alike <= KEPT_WITHOUT_PICTURES)).label("worthy"))
        .where(jobs.c.status.in_(_FINISHED))
        .subquery()
    )
    best_first = (ranked.c.worthy.desc(), ranked.c.finished_at.desc(), ranked.c.sequence.desc())
    kept = func.sum(ranked.c.bytes).over(partition_by=ranked.c.owner, order_by=best_first)
    summed = select(ranked.c.sequence, ranked.c.token, kept.label("kept")).subquery()
    return select(summed.c.sequence, summed.c.token).where(summed.c.kept > share)


def _remove(connection: Connection, chosen: Select[tuple[int, str]]) -> set[str]:
    """Delete the chosen jobs. Return their tokens."""
    rows = connection.execute(chosen).all()
    numbers = [row.sequence for row in rows]
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        connection.execute(delete(jobs).where(jobs.c.sequence.in_(some)))
    return {row.token for row in rows}


def _changing(job: Job) -> dict[str, object]:
    body = job_to_json(job)  # in ASCII, one byte per character
    return {
        "status": job.status.value,
        "finished_at": job.finished_at,
        "bytes": len(body) + sum(image.size for image in job.images or ()),
        "body": body,
    }


def _read(rows: Iterable[Any]) -> list[Job]:
    found = []
    for row in rows:
        try:
            found.append(job_from_json(row.body, row.sequence))
        except ValueError as error:
            _log.error("job number %d cannot be read: %s", row.sequence, error)
    return found


def _key(key: JobKey) -> str:
    # No id contains NUL, so two different keys never give the same text.
    return _digest(f"{key.id}\0{key.caller}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _cause(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}"
