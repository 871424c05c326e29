"""A folder of pictures that freezes: it reports no error and gives no answer."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_result_store import BoundedResultStore
from adapters.storage.files.result_files import ResultFiles
from application.ports.result_store import ResultStore
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage
from tests.contract.storage.kept_jobs import TOKEN

_LONG = 30.0
_SOON = 0.5
_MOST = 3
_IMAGES = [GeneratedImage(b"one", 1, 8, 8)]


class FrozenFolder:
    """A real folder whose files can be replaced by pipes, which block when they are opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.thawed = threading.Event()
        self.thawed.set()
        self.pipes: list[Path] = []
        calls, writes = BoundedCalls(_MOST, name="frozen"), BoundedCalls(1, name="frozen")

        def commit() -> None:
            self.thawed.wait(_LONG)
            calls.commit()
            writes.commit()

        self.files = ResultFiles(folder, before_commit=commit)
        self.store = BoundedResultStore(
            self.files, calls, writes, seconds=_SOON, long_seconds=_SOON, removing_seconds=_SOON
        )

    def freeze_file(self, name: str) -> None:
        """Replace a file of the job by a pipe."""
        path = self.folder / TOKEN[:2] / TOKEN / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self.pipes.append(path)

    def thaw(self) -> None:
        """Let every call end, and wait for that."""
        self.thawed.set()
        while self.threads:
            for path in self.pipes:
                # A reader that waits for a writer continues.
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            self.threads[0].join(_SOON) if self.threads else None

    @property
    def threads(self) -> list[threading.Thread]:
        """Return the threads of calls that have not ended."""
        return [each for each in threading.enumerate() if each.name == "frozen"]


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[FrozenFolder]:
    frozen = FrozenFolder(tmp_path / "results")
    frozen.files.write(TOKEN, _IMAGES)
    frozen.files.write_thumbnail(TOKEN, 0, b"small")
    yield frozen
    frozen.thaw()


READS: list[tuple[str, Callable[[ResultStore], object]]] = [
    ("0", lambda store: store.read(TOKEN, 0)),
    ("0.thumbnail", lambda store: store.read_thumbnail(TOKEN, 0)),
]
WRITES: list[Callable[[ResultStore], object]] = [
    lambda store: store.write(TOKEN, [GeneratedImage(b"another", 1, 8, 8)]),
    lambda store: store.write_thumbnail(TOKEN, 0, b"another"),
]


@pytest.mark.parametrize("name, read", READS)
def test_a_file_that_cannot_be_opened_is_abandoned(
    frozen: FrozenFolder, name: str, read: Callable[[ResultStore], object]
) -> None:
    frozen.freeze_file(name)
    with pytest.raises(StorageUnavailable, match="does not answer"):
        read(frozen.store)
    other = "cd" * 16
    frozen.store.write(other, _IMAGES)
    assert frozen.store.read(other, 0) == b"one"


@pytest.mark.parametrize("write", WRITES)
def test_abandoned_files_do_not_appear_later(
    frozen: FrozenFolder, write: Callable[[ResultStore], object]
) -> None:
    before = {path: path.read_bytes() for path in frozen.folder.rglob("*") if path.is_file()}
    frozen.thawed.clear()
    with pytest.raises(StorageUnavailable, match="does not answer"):
        write(frozen.store)
    frozen.thaw()
    after = {path: path.read_bytes() for path in frozen.folder.rglob("*") if path.is_file()}
    assert after == before
    write(frozen.store)
    assert b"another" in (frozen.store.read(TOKEN, 0), frozen.store.read_thumbnail(TOKEN, 0))


def test_the_number_of_waiting_threads_is_limited(frozen: FrozenFolder) -> None:
    frozen.freeze_file("0")
    for _ in range(_MOST * 3):
        with pytest.raises(StorageUnavailable):
            frozen.store.read(TOKEN, 0)
        assert len(frozen.threads) <= _MOST
    other = "cd" * 16
    frozen.store.write(other, _IMAGES)  # readers leave it a thread
    frozen.store.remove([TOKEN])  # raises nothing
    frozen.thaw()
    frozen.pipes[0].unlink()
    assert frozen.store.read(TOKEN, 0) is None
