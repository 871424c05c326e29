"""Which jobs and pictures are beyond the bytes that their callers may keep."""

from collections import Counter
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    union_all,
)

from adapters.storage.sql.rows import FINISHED
from adapters.storage.sql.tables import NAMED, job_pictures, jobs, pictures
from application.fairness import KEPT_WITHOUT_PICTURES, fair_share
from application.job import JobStatus

__all__ = ["beyond_share", "is_named"]

_ALWAYS = 1e300
"""When a job that has not finished is over: after every other one."""


def beyond_share(connection: Connection, keep_bytes: int) -> list[Row[Any]]:
    """Return the finished jobs and the pictures beyond what each caller may keep.

    If all of them use more than `keep_bytes`, each caller keeps its `fair_share` of that. Of one
    caller, jobs without pictures go first, but for the newest `KEPT_WITHOUT_PICTURES`; then the
    oldest go. A picture is as old as its last use, or as the end of the last job that names it. It
    is never older than a job that names it, so it does not go before that job.

    Returns:
        Rows with the `sequence` and the `token` of a job, or the `owner`, the `picture` (its id)
        and the `last_use` of a picture. The other columns are None.
    """
    share = fair_share(_used(connection), keep_bytes)
    if share is None:
        return []
    items = _items().subquery()
    best_first = (
        *(items.c.worthy.desc(), items.c.at.desc(), items.c.is_picture.desc()),
        *(items.c.sequence.desc(), items.c.picture.desc()),
    )
    kept = func.sum(items.c.bytes).over(partition_by=items.c.owner, order_by=best_first)
    summed = select(items, kept.label("kept")).subquery()
    return list(connection.execute(select(summed).where(summed.c.kept > share)).all())


def is_named(*, but_by: int | None = None) -> ColumnElement[bool]:
    """Return the condition that a job of its owner names the picture of a row of `pictures`.

    Args:
        but_by: The sequence of a job that does not count.
    """
    naming = and_(
        job_pictures.c.id == pictures.c.id,
        job_pictures.c.number == NAMED,
        jobs.c.owner == pictures.c.owner,
    )
    if but_by is not None:
        naming = and_(naming, jobs.c.sequence != but_by)
    joined = job_pictures.join(jobs, jobs.c.sequence == job_pictures.c.job)
    return exists(select(literal(1)).select_from(joined).where(naming).correlate(pictures))


def _used(connection: Connection) -> list[int]:
    """Return the bytes that each caller uses."""
    of_jobs = select(jobs.c.owner, func.sum(jobs.c.bytes)).where(jobs.c.status.in_(FINISHED))
    of_pictures = select(pictures.c.owner, func.sum(pictures.c.size)).group_by(pictures.c.owner)
    used: Counter[str] = Counter()
    for sums in (of_jobs.group_by(jobs.c.owner), of_pictures):
        for owner, size in connection.execute(sums):
            used[owner] += int(size)
    return list(used.values())


def _items() -> CompoundSelect[Any]:
    """Select all that counts: the finished jobs, and the pictures of each caller."""
    has_pictures = jobs.c.status == JobStatus.SUCCEEDED.value
    newest_first = (jobs.c.finished_at.desc(), jobs.c.sequence.desc())
    alike = func.row_number().over(partition_by=(jobs.c.owner, has_pictures), order_by=newest_first)
    finished = select(
        jobs.c.owner,
        jobs.c.bytes,
        case((has_pictures | (alike <= KEPT_WITHOUT_PICTURES), 1), else_=0).label("worthy"),
        jobs.c.finished_at.label("at"),
        literal(0).label("is_picture"),
        jobs.c.sequence,
        jobs.c.token,
        cast(null(), String(64)).label("picture"),
        jobs.c.finished_at.label("last_use"),
    ).where(jobs.c.status.in_(FINISHED))
    named = _last_named()
    over = func.coalesce(named.c.at, pictures.c.last_use)
    beside = pictures.outerjoin(
        named, and_(named.c.owner == pictures.c.owner, named.c.id == pictures.c.id)
    )
    sent = select(
        pictures.c.owner,
        pictures.c.size.label("bytes"),
        literal(1).label("worthy"),
        case((over > pictures.c.last_use, over), else_=pictures.c.last_use).label("at"),
        literal(1).label("is_picture"),
        cast(null(), BigInteger).label("sequence"),
        cast(null(), String(64)).label("token"),
        pictures.c.id.label("picture"),
        pictures.c.last_use,
    ).select_from(beside)
    return union_all(finished, sent)


def _last_named() -> Subquery:
    """Select when the last job that names a picture is over."""
    at = func.max(func.coalesce(jobs.c.finished_at, _ALWAYS)).label("at")
    joined = job_pictures.join(jobs, jobs.c.sequence == job_pictures.c.job)
    naming = select(jobs.c.owner, job_pictures.c.id, at).select_from(joined)
    named = job_pictures.c.number == NAMED
    return naming.where(named).group_by(jobs.c.owner, job_pictures.c.id).subquery()
