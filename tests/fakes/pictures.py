"""Files of pictures, and what is known of them, in memory."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from application.job import Job
from application.ports.picture_index import DrawnPlace, KnownPicture, PictureIndex
from application.ports.picture_store import PictureStore
from domain.errors import StorageUnavailable
from domain.pictures import PictureRef
from tests.fakes.stores import FakeJobStore

__all__ = ["FakePictureIndex", "FakePictureStore"]


class FakePictureStore(PictureStore):
    """Files in memory.

    Attributes:
        files: The files by their ids.
        broken: Whether reading and writing fail.
        full: Whether writing fails.
        writes: The ids of the files in the order in which they were written.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.broken = False
        self.full = False
        self.writes: list[str] = []

    def write(self, picture_id: str, data: bytes) -> None:
        self._check(picture_id)
        if self.full:
            raise StorageUnavailable("the disk is full")
        self.writes.append(picture_id)
        self.files[picture_id] = data

    def read(self, picture_id: str) -> bytes | None:
        self._check(picture_id)
        return self.files.get(picture_id)

    def has(self, picture_id: str) -> bool:
        self._check(picture_id)
        return picture_id in self.files

    def remove(self, picture_id: str) -> None:
        _check_id(picture_id)
        self.files.pop(picture_id, None)

    def keep_only(self, picture_ids: Collection[str]) -> None:
        for picture_id in set(self.files) - set(picture_ids):
            del self.files[picture_id]

    def _check(self, picture_id: str) -> None:
        _check_id(picture_id)
        if self.broken:
            raise StorageUnavailable("the disk is broken")


def _check_id(picture_id: str) -> None:
    if len(picture_id) != 64 or set(picture_id) - set("0123456789abcdef"):
        raise ValueError(f"{picture_id!a} is not a picture's id")


@dataclass(frozen=True)
class _Row:
    ref: PictureRef
    last_use: float
    is_sent: bool


class FakePictureIndex(PictureIndex):
    """The pictures of callers in memory, beside the jobs of a fake store.

    `broken` makes every call fail.
    """

    def __init__(self, jobs: FakeJobStore) -> None:
        self.rows: dict[tuple[str, str], _Row] = {}
        self.broken = False
        self._jobs = jobs
        jobs.others = self._counted

    def add(self, caller: str, ref: PictureRef, *, at: float, is_sent: bool) -> bool:
        self._check()
        had = self.find(caller, ref.id, used_at=at) is not None
        row = self.rows.get((caller, ref.id)) or _Row(ref, at, False)
        self.rows[caller, ref.id] = replace(row, is_sent=row.is_sent or is_sent)
        return not had

    def take_back(self, caller: str, picture_id: str) -> None:
        self._check()
        if not self._naming(caller, picture_id):
            self.rows.pop((caller, picture_id), None)

    def find(
        self, caller: str, picture_id: str, *, used_at: float | None = None
    ) -> KnownPicture | None:
        self._check()
        row = self.rows.get((caller, picture_id))
        if row is not None and used_at is not None:
            row = replace(row, last_use=max(row.last_use, used_at))
            self.rows[caller, picture_id] = row
        drawn = self._drawn(caller, picture_id)
        if row is not None:
            return KnownPicture(row.ref, is_kept=True, drawn=drawn and drawn[1])
        return KnownPicture(drawn[0], is_kept=False, drawn=drawn[1]) if drawn else None

    def is_known(self, picture_id: str) -> bool:
        self._check()
        return any(key[1] == picture_id for key in self.rows)

    def ids(self) -> Collection[str]:
        self._check()
        return {picture_id for _, picture_id in self.rows}

    def forget(self, job: Job) -> Collection[str]:
        self._check()
        drawn = {image.sha256 for image in job.images or ()}
        return self._drop(
            key
            for key, row in self.rows.items()
            if key[0] == job.caller
            and key[1] in drawn
            and not row.is_sent
            and not [each for each in self._naming(*key) if each.token != job.token]
        )

    def retire(self, *, used_before: float, sparing: float, keep_bytes: int) -> Collection[str]:
        self._check()
        gone = self._drop(
            key
            for key, row in self.rows.items()
            if row.last_use < used_before and not self._naming(*key)
        )
        beyond = self._jobs.beyond_share(keep_bytes)
        return gone | self._drop(
            key
            for key, row in self.rows.items()
            if key in beyond and row.last_use <= sparing and not self._naming(*key)
        )

    def catch_up(self, after: int = 0) -> int | None:
        self._check()
        return None

    def _counted(self) -> Iterator[tuple[str, tuple[str, str], float, int]]:
        """The caller, the key, the age and the size of each picture."""
        for key, row in self.rows.items():
            ends = [
                float("inf") if job.finished_at is None else job.finished_at
                for job in self._naming(*key)
            ]
            yield key[0], key, max([row.last_use, *ends]), row.ref.size

    def _drop(self, keys: Iterator[tuple[str, str]]) -> set[str]:
        chosen = list(keys)
        for key in chosen:
            del self.rows[key]
        return {picture_id for _, picture_id in chosen}

    def _naming(self, caller: str, picture_id: str) -> list[Job]:
        return [
            job
            for job in self._jobs.jobs.values()
            if job.caller == caller and picture_id in {ref.id for ref in job.request.pictures}
        ]

    def _drawn(self, caller: str, picture_id: str) -> tuple[PictureRef, DrawnPlace] | None:
        for job in sorted(self._jobs.jobs.values(), key=lambda job: -job.sequence):
            for number in range(len(job.images or ()) if job.caller == caller else 0):
                ref = job.picture(number)
                if ref is not None and ref.id == picture_id:
                    return ref, DrawnPlace(job.token, number)
        return None

    def _check(self) -> None:
        if self.broken:
            raise StorageUnavailable("the index is broken")
