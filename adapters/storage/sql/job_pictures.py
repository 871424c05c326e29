"""What is stored of the pictures that jobs name and have drawn."""

from sqlalchemy import Connection, delete, exists, insert, select

from adapters.storage.sql.rows import AT_ONCE, read_jobs
from adapters.storage.sql.tables import NAMED, job_pictures, jobs
from application.job import Job, JobStatus

__all__ = ["delete_orphans", "index_more_jobs", "insert_drawn_pictures", "insert_named_pictures"]


def insert_named_pictures(connection: Connection, job: Job) -> None:
    """Store which pictures the request of a new job names."""
    names = dict.fromkeys(ref.id for ref in job.request.pictures)
    rows = [{"job": job.sequence, "number": NAMED, "id": each} for each in names]
    if rows:
        connection.execute(insert(job_pictures), rows)


def insert_drawn_pictures(connection: Connection, job: Job) -> None:
    """Store the ids of the pictures that a job has drawn."""
    rows = [
        {"job": job.sequence, "number": number, "id": image.sha256}
        for number, image in enumerate(job.images or ())
        if image.sha256 is not None
    ]
    if rows:
        connection.execute(insert(job_pictures), rows)


def delete_orphans(connection: Connection) -> None:
    """Delete the rows of jobs that an earlier release removed. It knows no such rows."""
    known = select(jobs.c.sequence)
    connection.execute(delete(job_pictures).where(job_pictures.c.job.not_in(known)))


def index_more_jobs(connection: Connection, after: int) -> int | None:
    """Store the ids of pictures that earlier releases have drawn, of some jobs.

    Args:
        connection: A transaction.
        after: The sequence after which the jobs begin.

    Returns:
        The sequence to go on after; None if there are no more such jobs.
    """
    is_indexed = exists().where(job_pictures.c.job == jobs.c.sequence, job_pictures.c.number >= 0)
    missing = (
        select(jobs.c.sequence, jobs.c.body)
        .where(jobs.c.status == JobStatus.SUCCEEDED.value, jobs.c.sequence > after, ~is_indexed)
        .order_by(jobs.c.sequence)
        .limit(AT_ONCE)
    )
    rows = connection.execute(missing).all()
    for job in read_jobs(rows):
        insert_drawn_pictures(connection, job)
    return rows[-1].sequence if len(rows) == AT_ONCE else None
