"""Small files of finished pictures, each made once, when it is first asked for."""

import hashlib
import logging
import threading

from application.job import Job
from application.jobs.job_service import JobService
from application.ports.job_store import JobStore
from application.ports.result_store import ResultStore
from domain.errors import PicturesLost, StorageUnavailable, UnreadablePicture
from domain.ports.thumbnail_maker import ThumbnailMaker

__all__ = ["Thumbnails", "thumbnail_version"]

_log = logging.getLogger(__name__)


def thumbnail_version(job: Job) -> str:
    """A word that changes when the id of `job` becomes another job, and its pictures others."""
    return hashlib.sha256(b"thumbnail\0" + job.token.encode()).hexdigest()[:12]


class Thumbnails:
    """Makes thumbnails, keeps them beside the pictures, and counts them in the retention.

    They are made when first asked for and not when the picture is drawn: pictures of older releases
    get theirs too, and a client that never asks never pays. Any thread may call any method; one
    thumbnail is made at a time, so that a page full of new ones leaves the machine to the drawing.
    """

    def __init__(
        self,
        job_service: JobService,
        jobs: JobStore,
        results: ResultStore,
        maker: ThumbnailMaker,
    ) -> None:
        self._job_service = job_service
        self._jobs = jobs
        self._results = results
        self._maker = maker
        self._making = threading.Lock()

    def get(self, caller: str, job_id: str, number: int) -> tuple[Job, bytes]:
        """The job, and a small WebP file of its picture `number`, counted from 0.

        A picture that cannot be read as one is answered as it is.

        Raises JobNotFound, ImageNotFound, PicturesLost and StorageUnavailable.
        """
        # All is read of this one job: its id may be another job's by the time it is read.
        job = self._job_service.find(caller, job_id).job
        if job.images is not None and 0 <= number < len(job.images):
            kept = self._results.read_thumbnail(job.token, number)
            if kept is not None:
                return job, kept
        try:
            picture = self._job_service.image_of(job, number)
        except PicturesLost:
            if self._job_service.find(caller, job_id).job.token == job.token:
                raise
            return self.get(caller, job_id, number)
        with self._making:
            kept = self._results.read_thumbnail(job.token, number)
            return job, kept if kept is not None else self._made(job, number, picture)

    def _made(self, job: Job, number: int, picture: bytes) -> bytes:
        try:
            small = self._maker.make(picture)
        except UnreadablePicture as error:
            _log.warning("no thumbnail of picture %d of job %a: %s", number, job.request.id, error)
            return picture
        try:
            # Counted first: what is counted and not there does less harm than the other way round.
            self._jobs.add_bytes(job, len(small))
            try:
                self._results.write_thumbnail(job.token, number, small)
            except StorageUnavailable:
                self._jobs.add_bytes(job, -len(small))  # it would count again with each attempt
                raise
        except StorageUnavailable as error:
            _log.warning("a thumbnail of job %a is not kept: %s", job.request.id, error)
        return small
