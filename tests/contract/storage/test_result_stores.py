"""What every result store does, in memory and on disk."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_result_store import BoundedResultStore
from adapters.storage.files.result_files import ResultFiles
from application.ports.result_store import ResultStore
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage
from tests.contract.storage.kept_jobs import TOKEN
from tests.fakes.stores import FakeResultStore
from tests.paths import ROOT


def _bounded(folder: Path) -> ResultStore:
    calls = BoundedCalls()
    files = ResultFiles(folder, before_commit=calls.commit)
    return BoundedResultStore(
        files, calls, calls, seconds=_LONG, long_seconds=_LONG, removing_seconds=_LONG
    )


_LONG = 30.0
_STORES: Mapping[str, Callable[[Path], ResultStore]] = {
    "fake": lambda _folder: FakeResultStore(),
    "files": ResultFiles,
    "bounded": _bounded,
}


@pytest.fixture(params=_STORES)
def results(request: pytest.FixtureRequest, tmp_path: Path) -> ResultStore:
    return _STORES[request.param](tmp_path / "results")


def test_the_pictures_of_a_job_are_stored_and_removed_together(results: ResultStore) -> None:
    images = [GeneratedImage(data, 1, 8, 8) for data in (b"one", b"two")]
    results.write(TOKEN, images[:1])
    results.write(TOKEN, images)
    assert [results.read(TOKEN, number) for number in (0, 1)] == [b"one", b"two"]
    assert results.read(TOKEN, 2) is None
    other = "cd" * 16
    results.write(other, images)
    results.keep_only([other])
    assert results.read(TOKEN, 0) is None
    assert results.read(other, 0) == b"one"
    results.remove([other, TOKEN])
    assert results.read(other, 0) is None


def test_a_thumbnail_lives_as_long_as_its_picture(results: ResultStore) -> None:
    images = [GeneratedImage(data, 1, 8, 8) for data in (b"one", b"two")]
    results.write(TOKEN, images)
    assert results.read_thumbnail(TOKEN, 1) is None
    results.write_thumbnail(TOKEN, 1, b"small")
    results.write_thumbnail(TOKEN, 1, b"small two")
    assert results.read_thumbnail(TOKEN, 1) == b"small two"
    assert results.read_thumbnail(TOKEN, 0) is None
    assert results.read(TOKEN, 1) == b"two"
    results.keep_only([TOKEN])
    assert results.read_thumbnail(TOKEN, 1) == b"small two"
    results.write(TOKEN, images)
    assert results.read_thumbnail(TOKEN, 1) is None
    results.write_thumbnail(TOKEN, 0, b"small one")
    results.remove([TOKEN])
    assert results.read_thumbnail(TOKEN, 0) is None


def test_a_thumbnail_of_removed_pictures_is_not_stored(results: ResultStore) -> None:
    results.write_thumbnail(TOKEN, 0, b"small")
    assert results.read_thumbnail(TOKEN, 0) is None


def test_a_thumbnail_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    files.write(TOKEN, [GeneratedImage(b"one", 1, 8, 8)])
    folder = tmp_path / TOKEN[:2] / TOKEN
    (folder / "0.thumbnail").mkdir()
    with pytest.raises(StorageUnavailable):
        files.write_thumbnail(TOKEN, 0, b"small")
    assert sorted(path.name for path in folder.iterdir()) == ["0", "0.thumbnail"]


def test_without_known_jobs_no_picture_is_removed(results: ResultStore) -> None:
    results.write(TOKEN, [GeneratedImage(b"one", 1, 8, 8)])
    results.keep_only([])
    assert results.read(TOKEN, 0) == b"one"


def test_pictures_without_a_known_job_are_reported_with_the_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = ResultFiles(tmp_path)
    files.keep_only([])
    assert caplog.text == ""
    files.write(TOKEN, [GeneratedImage(b"one", 1, 8, 8)])
    files.keep_only([])
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert f"the pictures of 1 jobs in {tmp_path} are kept" in warning.message
    assert "DATABASE_URL" in warning.message


def test_removed_pictures_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    files = ResultFiles(tmp_path)
    for token in (TOKEN, "cd" * 16, "ef" * 16):
        files.write(token, [GeneratedImage(b"one", 1, 8, 8)])
    files.keep_only([TOKEN])
    files.keep_only([TOKEN])
    assert caplog.messages == ["removed the pictures of 2 unknown jobs"]


def test_an_unreadable_folder_is_not_a_lost_picture(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    files.write(TOKEN, [GeneratedImage(b"one", 1, 8, 8)])
    file = tmp_path / TOKEN[:2] / TOKEN / "0"
    file.unlink()
    file.mkdir()
    with pytest.raises(StorageUnavailable):
        files.read(TOKEN, 0)


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageUnavailable) as caught:
        ResultFiles(tmp_path / "results").write(TOKEN, [GeneratedImage(b"1", 1, 8, 8)])
    assert str(tmp_path) not in str(caught.value)


def test_no_token_leads_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a job's token"):
        ResultFiles(tmp_path).read("../../etc", 0)


_FULL = """
import resource, signal, sys
from adapters.storage.files.result_files import ResultFiles
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
files = ResultFiles(sys.argv[1])
images = [GeneratedImage(b"x" * size, 1, 8, 8) for size in (5_000, 50_000)]
try:
    files.write("ab" * 16, images)
except StorageUnavailable as error:
    print(error)
"""


def test_a_full_disk_leaves_no_partial_result(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pictures cannot be stored" in done.stdout
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
