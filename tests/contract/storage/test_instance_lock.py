"""What every lock does, in memory and on disk."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.storage.files.folder_lock import FolderLock
from application.ports.sole_use import SoleUse
from domain.errors import StorageUnavailable
from tests.fakes.stores import FakeSoleUse
from tests.paths import ROOT

_HOLDER = """
import sys
from adapters.storage.files.folder_lock import FolderLock
lock = FolderLock(sys.argv[1])
print(lock.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["fake", "folder"])
def lock(request: pytest.FixtureRequest, tmp_path: Path) -> SoleUse:
    return FakeSoleUse() if request.param == "fake" else FolderLock(tmp_path / "data")


def test_it_is_taken_any_number_of_times_and_released_once(lock: SoleUse) -> None:
    lock.release()
    assert lock.take()
    assert lock.take()
    lock.release()
    lock.release()
    assert lock.take()
    lock.release()


def test_only_one_process_holds_it(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    assert not first.take()
    second.release()


def test_a_killed_process_releases_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        lock = FolderLock(tmp_path)
        assert not lock.take()
        holder.kill()
        holder.wait()
        assert lock.take()
        lock.release()


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert lock.take()
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lock.release()


def test_an_impossible_folder_is_never_silently_locked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnavailable, match="cannot be written to or locked"):
        FolderLock(tmp_path / "file" / "data").take()
