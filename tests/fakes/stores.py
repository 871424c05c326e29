"""Job and result stores in memory."""

import dataclasses
import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Sequence

from application.fairness import KEPT_WITHOUT_PICTURES, fair_share
from application.job import Job, JobKey, JobStatus
from application.ports.job_store import JobStore
from application.ports.result_store import ResultStore
from application.ports.sole_use import SoleUse
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage

__all__ = ["FakeJobStore", "FakeResultStore", "FakeSoleUse"]


def _last(rows: Sequence[Job]) -> list[Job]:
    newest = sorted(rows, key=lambda job: (job.finished_at or 0, job.sequence), reverse=True)
    pictureless = [job for job in newest if job.status is not JobStatus.SUCCEEDED]
    return pictureless[KEPT_WITHOUT_PICTURES:]


class FakeJobStore(JobStore):
    """Jobs in memory.

    Attributes:
        broken: Whether every call fails.
        others: Returns the caller, the key, the age and the size of all else that counts.
    """

    def __init__(self) -> None:
        self.others: Callable[[], Iterable[tuple[str, object, float, int]]] = lambda: ()
        self.jobs: dict[JobKey, Job] = {}
        self.broken = False
        self.more_bytes: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._accepting = threading.Lock()

    def accept(self, job: Job, *, instead_of: str | None = None) -> Job:
        self._check()
        with self._accepting:
            kept = self.jobs.get(job.key)
            if kept is not None and not kept.can_be_replaced and kept.token != instead_of:
                return kept
            added = dataclasses.replace(job, sequence=next(self._numbers))
            self.jobs[job.key] = added
            return added

    def update(self, job: Job, *, patiently: bool = False) -> None:
        self._check()
        kept = self.jobs.get(job.key)
        if kept is not None and kept.token == job.token and not kept.status.finished:
            self.jobs[job.key] = job

    def add_bytes(self, job: Job, number: int) -> None:
        self._check()
        self.more_bytes[job.token] = self.more_bytes.get(job.token, 0) + number

    def remove(self, job: Job) -> None:
        self._check()
        kept = self.jobs.get(job.key)
        if kept is not None and kept.token == job.token:
            del self.jobs[job.key]

    def find(self, key: JobKey) -> Job | None:
        self._check()
        return self.jobs.get(key)

    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> Sequence[Job]:
        self._check()
        rows = [
            job
            for job in self.jobs.values()
            if job.caller == caller
            and (status is None or job.status is status)
            and (before is None or job.sequence < before)
        ]
        return sorted(rows, key=lambda job: -job.sequence)[:limit]

    def unfinished(self) -> Sequence[Job]:
        self._check()
        rows = [job for job in self.jobs.values() if not job.status.finished]
        return sorted(rows, key=lambda job: job.sequence)

    def tokens(self) -> Collection[str]:
        self._check()
        return {job.token for job in self.jobs.values()}

    def retire(self, *, finished_before: float, keep_bytes: int) -> Collection[str]:
        self._check()
        finished = [job for job in self.jobs.values() if job.status.finished]
        gone = [job for job in finished if (job.finished_at or 0) < finished_before]
        for job in gone:
            del self.jobs[job.key]
        beyond = self.beyond_share(keep_bytes)
        gone += [self.jobs.pop(job.key) for job in finished if job.key in beyond]
        return {job.token for job in gone}

    def beyond_share(self, keep_bytes: int) -> set[object]:
        """Return the keys of jobs and pictures beyond what each caller may keep."""
        used: dict[str, list[tuple[bool, float, bool, int, object, int]]] = {}
        finished = [job for job in self.jobs.values() if job.status.finished]
        for caller in {job.caller for job in finished}:
            rows = [job for job in finished if job.caller == caller]
            last = _last(rows)
            used[caller] = [
                (
                    *(job not in last, job.finished_at or 0, False),
                    *(job.sequence, job.key, self._bytes(job)),
                )
                for job in rows
            ]
        for number, (caller, key, at, size) in enumerate(self.others()):
            used.setdefault(caller, []).append((True, at, True, number, key, size))
        share = fair_share([sum(row[-1] for row in rows) for rows in used.values()], keep_bytes)
        beyond: set[object] = set()
        for each in used.values() if share is not None else ():
            kept = 0
            for *_, key, size in sorted(each, key=lambda row: row[:4], reverse=True):
                kept += size
                if kept > (share or 0):
                    beyond.add(key)
        return beyond

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _bytes(self, job: Job) -> int:
        pictures = sum(image.size for image in job.images or ())
        return len(repr(job)) + pictures + self.more_bytes.get(job.token, 0)

    def _check(self) -> None:
        if self.broken:
            raise StorageUnavailable("the store is broken")


class FakeResultStore(ResultStore):
    """Image files in memory; `broken` makes reading and writing fail, `full` makes writing fail."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, ...]] = {}
        self.thumbnails: dict[tuple[str, int], bytes] = {}
        self.broken = False
        self.full = False

    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        self._check()
        if self.full:
            raise StorageUnavailable("the disk is full")
        self._drop_thumbnails(token)
        self.files[token] = tuple(image.data for image in images)

    def read(self, token: str, number: int) -> bytes | None:
        self._check()
        images = self.files.get(token, ())
        return images[number] if number < len(images) else None

    def write_thumbnail(self, token: str, number: int, data: bytes) -> None:
        self._check()
        if self.full:
            raise StorageUnavailable("the disk is full")
        if token in self.files:
            self.thumbnails[token, number] = data

    def read_thumbnail(self, token: str, number: int) -> bytes | None:
        self._check()
        return self.thumbnails.get((token, number))

    def remove(self, tokens: Collection[str]) -> None:
        for token in tokens:
            self.files.pop(token, None)
            self._drop_thumbnails(token)

    def keep_only(self, tokens: Collection[str]) -> None:
        if tokens:
            self.remove(set(self.files) - set(tokens))

    def _drop_thumbnails(self, token: str) -> None:
        for key in [key for key in self.thumbnails if key[0] == token]:
            del self.thumbnails[key]

    def _check(self) -> None:
        if self.broken:
            raise StorageUnavailable("the disk is full")


class FakeSoleUse(SoleUse):
    """A lock that is granted, unless `others` have it."""

    def __init__(self) -> None:
        self.others = False
        self.taken = False

    def take(self) -> bool:
        self.taken = not self.others
        return self.taken

    def release(self) -> None:
        self.taken = False
