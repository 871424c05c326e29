"""What every picture store does, in memory and on disk, and what a frozen folder does."""

import hashlib
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_pictures import BoundedPictureStore
from adapters.storage.files.picture_files import PictureFiles
from application.ports.picture_store import PictureStore
from domain.errors import StorageUnavailable
from tests.fakes.pictures import FakePictureStore
from tests.paths import ROOT

_LONG = 30.0
_SOON = 0.3
ONE, OTHER = b"one picture", b"another picture"
ID, OTHER_ID = (hashlib.sha256(data).hexdigest() for data in (ONE, OTHER))


def _bounded(folder: Path) -> PictureStore:
    calls = BoundedCalls()
    files = PictureFiles(folder, before_commit=calls.commit)
    return BoundedPictureStore(files, calls, seconds=_LONG, writing_seconds=_LONG)


_STORES: Mapping[str, Callable[[Path], PictureStore]] = {
    "fake": lambda _folder: FakePictureStore(),
    "files": PictureFiles,
    "bounded": _bounded,
}


@pytest.fixture(params=_STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PictureStore:
    return _STORES[request.param](tmp_path / "pictures")


def test_a_file_is_stored_replaced_and_removed(store: PictureStore) -> None:
    assert (store.read(ID), store.has(ID)) == (None, False)
    store.remove(ID)
    store.write(ID, b"damaged")
    store.write(ID, ONE)
    assert (store.read(ID), store.has(ID), store.has(OTHER_ID)) == (ONE, True, False)
    store.remove(ID)
    assert (store.read(ID), store.has(ID)) == (None, False)


def test_only_the_named_files_are_kept(store: PictureStore) -> None:
    store.keep_only([])  # an empty folder, or none
    store.write(ID, ONE)
    store.write(OTHER_ID, OTHER)
    store.keep_only([OTHER_ID])
    assert (store.read(ID), store.read(OTHER_ID)) == (None, OTHER)
    store.keep_only([])
    assert store.read(OTHER_ID) is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_no_name_leads_out_of_the_folder(store: PictureStore, name: str) -> None:
    for call in (store.read, store.has, store.remove, lambda each: store.write(each, ONE)):
        with pytest.raises(ValueError, match="not a picture's id"):
            call(name)


def test_only_the_owner_can_read_a_file(tmp_path: Path) -> None:
    PictureFiles(tmp_path / "pictures").write(ID, ONE)
    path = tmp_path / "pictures" / ID[:2] / ID
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_a_process_that_was_killed_left_is_removed(tmp_path: Path) -> None:
    files = PictureFiles(tmp_path)
    files.write(ID, ONE)
    (tmp_path / f".writing-{OTHER_ID}-0123").write_bytes(OTHER[:3])
    files.keep_only([ID])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / ID[:2] / ID]


def test_creating_a_store_touches_no_file(tmp_path: Path) -> None:
    PictureFiles(tmp_path / "pictures")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_reported_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_bytes(b"a file where the folder should be")
    files = PictureFiles(tmp_path / "pictures")
    with pytest.raises(StorageUnavailable) as caught:
        files.write(ID, ONE)
    assert str(tmp_path) not in str(caught.value)
    files.remove(ID)  # raises nothing


_FULL = """
import resource, signal, sys
from adapters.storage.files.picture_files import PictureFiles
from domain.errors import StorageUnavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    PictureFiles(sys.argv[1]).write("ab" * 32, b"x" * 50_000)
except StorageUnavailable as error:
    print(error)
"""


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _FULL, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pictures cannot be stored" in done.stdout
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


class _FrozenFolder:
    """A real folder that stops before anything changes, while it is frozen."""

    def __init__(self, folder: Path) -> None:
        self.thawed = threading.Event()
        self.thawed.set()
        calls = BoundedCalls(2, name="frozen")

        def commit() -> None:
            self.thawed.wait(_LONG)
            calls.commit()

        self.files = PictureFiles(folder, before_commit=commit)
        self.store = BoundedPictureStore(self.files, calls, seconds=_SOON, writing_seconds=_SOON)

    def thaw(self) -> None:
        """Let every call end, and wait for that."""
        self.thawed.set()
        for each in threading.enumerate():
            if each.name == "frozen":
                each.join(_LONG)


def test_an_abandoned_change_does_not_happen_later(tmp_path: Path) -> None:
    frozen = _FrozenFolder(tmp_path)
    frozen.store.write(ID, ONE)
    frozen.thawed.clear()
    with pytest.raises(StorageUnavailable, match="does not answer"):
        frozen.store.write(OTHER_ID, OTHER)
    frozen.store.remove(ID)  # raises nothing
    frozen.thaw()
    assert (frozen.store.read(ID), frozen.store.read(OTHER_ID)) == (ONE, None)
    assert not list(tmp_path.glob(".writing-*"))


def test_a_file_that_cannot_be_opened_is_abandoned(tmp_path: Path) -> None:
    frozen = _FrozenFolder(tmp_path)
    frozen.store.write(ID, ONE)
    path = tmp_path / ID[:2] / ID
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StorageUnavailable, match="does not answer"):
        frozen.store.read(ID)
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    frozen.thaw()
