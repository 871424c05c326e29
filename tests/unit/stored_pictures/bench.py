"""Stored pictures over fakes, with their jobs."""

from application.job import Job
from application.jobs.records import JobRecords
from application.pictures import PictureShelf, StoredPictures
from domain.generation.any_request import result_of
from domain.generation.request import GeneratedImage, Timings
from domain.pictures import PictureRef
from tests.contract.storage.kept_jobs import naming_picture, new_job
from tests.fakes.clock import FakeClock
from tests.fakes.picture_codec import FakePictureCodec
from tests.fakes.pictures import FakePictureIndex, FakePictureStore
from tests.fakes.stores import FakeJobStore, FakeResultStore, FakeSoleUse

__all__ = ["RETENTION_SECONDS", "Bench"]

RETENTION_SECONDS = 1000.0


class Bench:
    """The pictures and the jobs of a service. `clock` is both of its clocks."""

    def __init__(self, *, retention_bytes: int = 10**9) -> None:
        self.clock = FakeClock()
        self.jobs, self.results = FakeJobStore(), FakeResultStore()
        self.index, self.files = FakePictureIndex(self.jobs), FakePictureStore()
        self.shelf = PictureShelf(
            self.index,
            self.files,
            retention_seconds=RETENTION_SECONDS,
            retention_bytes=retention_bytes,
        )
        self.records = JobRecords(
            self.jobs,
            self.results,
            FakeSoleUse(),
            retention_seconds=RETENTION_SECONDS,
            retention_bytes=retention_bytes,
            now=self.clock,
            clock=self.clock,
            pictures=self.shelf,
        )
        self.pictures = StoredPictures(
            self.index,
            self.shelf,
            self.results,
            FakePictureCodec(),
            claim=self.records.claim,
            now=self.clock,
        )

    def accept(self, name: str, *, naming: PictureRef | None = None, token: str = "") -> Job:
        """Accept a job of `me`, which names a picture or none."""
        job = new_job(name, token=token or f"{len(self.jobs.jobs):032x}")
        if naming is not None:
            job = naming_picture(job, naming)
        return self.records.accept(job)

    def draw(self, job: Job, data: bytes, *, width: int = 8, height: int = 6) -> Job:
        """Let a job succeed with one picture of this size, whatever `data` is."""
        result = result_of(
            job.request,
            images=(GeneratedImage(data, 3, width, height),),
            processing_time=1.0,
            timings=Timings(),
        )
        return self.records.succeed(job.started(self.clock()), result)
