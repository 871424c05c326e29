"""Thumbnails of finished pictures. Each is made once, when it is first asked for."""

import hashlib
import logging
import threading

from application.job import Job
from application.jobs.job_service import JobService
from application.ports.job_store import JobStore
from application.ports.result_store import ResultStore
from domain.errors import PicturesLost, StorageUnavailable, UnreadablePicture
from domain.ports.picture_codec import PictureCodec

__all__ = ["Thumbnails", "thumbnail_version"]

_log = logging.getLogger(__name__)


def thumbnail_version(job: Job) -> str:
    """Return a word that changes when another job gets the id of `job`."""
    return hashlib.sha256(b"thumbnail\0" + job.token.encode()).hexdigest()[:12]


class Thumbnails:
    """Makes thumbnails, stores them beside the pictures, and counts them in the retention.

    A thumbnail is made when it is first asked for, not when the picture is drawn. So pictures of
    older releases get one too, and a client that never asks costs nothing. One thumbnail is made at
    a time, so that a page of new ones does not slow the drawing. Any thread may call any method.
    """

    def __init__(
        self,
        job_service: JobService,
        jobs: JobStore,
        results: ResultStore,
        codec: PictureCodec,
    ) -> None:
        self._job_service = job_service
        self._jobs = jobs
        self._results = results
        self._codec = codec
        self._making = threading.Lock()

    def get(self, caller: str, job_id: str, number: int) -> tuple[Job, bytes]:
        """Return the job, and a small WebP file of its picture `number`, counted from 0.

        If the picture cannot be decoded, its own file is returned.

        Raises JobNotFound, ImageNotFound, PicturesLost and StorageUnavailable.
        """
        # Everything is read from this one job: another job may get its id meanwhile.
        job = self._job_service.find(caller, job_id).job
        if job.images is not None and 0 <= number < len(job.images):
            kept = self._results.read_thumbnail(job.token, number)
            if kept is not None:
                return job, kept
        try:
            # The picture is read in its turn. One that was enlarged may have 200 MB, and a page
            # asks for many at once.
            with self._making:
                kept = self._results.read_thumbnail(job.token, number)
                if kept is None:
                    kept = self._made(job, number, self._job_service.image_of(job, number))
                return job, kept
        except PicturesLost:
            if self._job_service.find(caller, job_id).job.token == job.token:
                raise
            return self.get(caller, job_id, number)

    def _made(self, job: Job, number: int, picture: bytes) -> bytes:
        try:
            small = self._codec.thumbnail(picture)
        except UnreadablePicture as error:
            _log.warning("no thumbnail of picture %d of job %a: %s", number, job.request.id, error)
            return picture
        try:
            # The bytes are counted first. Counting too many bytes does less harm than too few.
            self._jobs.add_bytes(job, len(small))
            try:
                self._results.write_thumbnail(job.token, number, small)
            except StorageUnavailable:
                self._jobs.add_bytes(job, -len(small))  # else each attempt would add to the count
                raise
        except StorageUnavailable as error:
            _log.warning("a thumbnail of job %a is not stored: %s", job.request.id, error)
        return small
