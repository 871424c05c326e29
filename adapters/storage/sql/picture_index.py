"""Which caller has which picture, in the database of the jobs."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_pictures import delete_orphans, index_more_jobs
from adapters.storage.sql.retention import beyond_share, is_named
from adapters.storage.sql.rows import owner_of, read_jobs
from adapters.storage.sql.tables import job_pictures, jobs, pictures
from application.job import Job
from application.ports.picture_index import DrawnPlace, KnownPicture, PictureIndex
from domain.pictures import PictureRef

__all__ = ["SqlPictureIndex"]


class _AddedMeanwhile(Exception):
    """Another transaction has added the same picture."""


class SqlPictureIndex(PictureIndex):
    """Pictures in the database of the jobs."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def add(self, caller: str, ref: PictureRef, *, at: float, is_sent: bool) -> bool:
        while True:
            try:
                return self._update_or_insert(caller, ref, at, is_sent)
            except _AddedMeanwhile:
                continue  # it is there now

    def _update_or_insert(self, caller: str, ref: PictureRef, at: float, is_sent: bool) -> bool:
        owner = owner_of(caller)
        with self._database.transaction() as connection:
            more: dict[str, object] = {"is_sent": True} if is_sent else {}
            if _use(connection, owner, ref.id, at, **more):
                return False
            values = {
                "owner": owner,
                "id": ref.id,
                "media_type": ref.media_type,
                "width": ref.width,
                "height": ref.height,
                "size": ref.size,
                "last_use": at,
                "is_sent": is_sent,
            }
            try:
                connection.execute(insert(pictures).values(values))
            except IntegrityError as error:
                raise _AddedMeanwhile from error
            return _drawn(connection, owner, ref.id) is None

    def take_back(self, caller: str, picture_id: str) -> None:
        same = (pictures.c.owner == owner_of(caller)) & (pictures.c.id == picture_id)
        with self._database.transaction(durable=False) as connection:
            connection.execute(delete(pictures).where(same, ~is_named()))

    def find(
        self, caller: str, picture_id: str, *, used_at: float | None = None
    ) -> KnownPicture | None:
        owner = owner_of(caller)
        same = (pictures.c.owner == owner) & (pictures.c.id == picture_id)
        with self._database.transaction(durable=False) as connection:
            if used_at is not None:
                _use(connection, owner, picture_id, used_at)
            row = connection.execute(select(pictures).where(same)).first()
            drawn = _drawn(connection, owner, picture_id)
        place = None if drawn is None else drawn[1]
        if row is not None:
            return KnownPicture(_ref(row), is_kept=True, drawn=place)
        return None if drawn is None else KnownPicture(drawn[0], is_kept=False, drawn=place)

    def is_known(self, picture_id: str) -> bool:
        known = select(exists().where(pictures.c.id == picture_id))
        with self._database.transaction(durable=False) as connection:
            return bool(connection.execute(known).scalar())

    def ids(self) -> Collection[str]:
        with self._database.transaction(patiently=True) as connection:
            return set(connection.execute(select(pictures.c.id)).scalars())

    def forget(self, job: Job) -> Collection[str]:
        drawn = [image.sha256 for image in job.images or () if image.sha256 is not None]
        drawn_for_it = (pictures.c.owner == owner_of(job.caller)) & ~pictures.c.is_sent
        gone = drawn_for_it & pictures.c.id.in_(drawn) & ~is_named(but_by=job.sequence)
        with self._database.transaction() as connection:
            ids = set(connection.execute(select(pictures.c.id).where(gone)).scalars())
            connection.execute(delete(pictures).where(gone))
        return ids

    def retire(self, *, used_before: float, sparing: float, keep_bytes: int) -> Collection[str]:
        old = select(pictures.c.owner, pictures.c.id.label("picture"), pictures.c.last_use)
        old = old.where(pictures.c.last_use < used_before, ~is_named())
        with self._database.transaction(patiently=True) as connection:
            gone = _delete_unused(connection, connection.execute(old).all())
            beyond = beyond_share(connection, keep_bytes)
            spared = [row for row in beyond if row.picture and row.last_use <= sparing]
            return gone | _delete_unused(connection, spared)

    def catch_up(self, after: int = 0) -> int | None:
        with self._database.transaction(patiently=True) as connection:
            if not after:
                delete_orphans(connection)
            return index_more_jobs(connection, after)


def _use(connection: Connection, owner: str, picture_id: str, at: float, **more: object) -> bool:
    """Note the use of a picture with a file of its own; False if the caller has none."""
    same = (pictures.c.owner == owner) & (pictures.c.id == picture_id)
    later = case((pictures.c.last_use < at, at), else_=pictures.c.last_use)
    changed = connection.execute(update(pictures).where(same).values(last_use=later, **more))
    return changed.rowcount > 0


def _drawn(
    connection: Connection, owner: str, picture_id: str
) -> tuple[PictureRef, DrawnPlace] | None:
    """Return a picture that was drawn for a caller, and the place of its file."""
    found = (
        select(jobs.c.sequence, jobs.c.token, jobs.c.body, job_pictures.c.number)
        .join_from(job_pictures, jobs, jobs.c.sequence == job_pictures.c.job)
        .where(job_pictures.c.id == picture_id, job_pictures.c.number >= 0, jobs.c.owner == owner)
        .order_by(jobs.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(found).first()
    if row is None or not (read := read_jobs([row])):
        return None
    ref = read[0].picture(row.number)
    return None if ref is None else (ref, DrawnPlace(row.token, row.number))


def _delete_unused(connection: Connection, rows: Collection[Any]) -> set[str]:
    """Delete pictures that no job names and that were not used since they were read.

    Return the ids of those that are deleted.
    """
    same = (pictures.c.owner == bindparam("of")) & (pictures.c.id == bindparam("picture"))
    unused = pictures.c.last_use <= bindparam("seen")
    chosen = delete(pictures).where(same, unused, ~is_named())
    gone = set()
    for row in rows:
        seen = {"of": row.owner, "picture": row.picture, "seen": row.last_use}
        if connection.execute(chosen, seen).rowcount:
            gone.add(row.picture)
    return gone


def _ref(row: Any) -> PictureRef:
    return PictureRef(
        id=row.id, media_type=row.media_type, size=row.size, width=row.width, height=row.height
    )
