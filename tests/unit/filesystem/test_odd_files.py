"""Odd entries of a model folder: not a model, or larger than any model."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.filesystem.folders import MOST_DEPTH
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.scanning.on_disk import MOST_BYTES, MOST_PARTS
from domain.models.record import PendingState
from domain.services.model_registry import ModelRegistry
from tests.unit.filesystem.model_files import safetensors_file
from tests.unit.filesystem.test_model_folders import FILES, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the odd files are those of POSIX")

GOOD = safetensors_file({"a": (10,)})


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/good.safetensors").write_bytes(GOOD)
    yield tmp_path / "models"
    # Folders deeper than pytest can remove.
    subprocess.run(["rm", "-rf", str(tmp_path / "models/d")], check=True)


@contextlib.contextmanager
def looking(cache: IdentityCache | None = None) -> Iterator[ModelRegistry]:
    """A registry that has scanned until every file settled; its readers end with the block."""
    before = threading.enumerate()
    registry = ModelRegistry(FilesystemModelSource(["models"], cache, settle_seconds=0))
    try:
        registry.refresh()
        yield registry
    finally:
        registry.close()
        for thread in set(threading.enumerate()) - set(before):
            thread.join(timeout=60)
            assert not thread.is_alive(), "a reader waits for ever"


def pipe(name: str) -> Callable[[Path], None]:
    def make(models: Path) -> None:
        (models / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(models / name)

    return make


def link(name: str, to: str) -> Callable[[Path], None]:
    return lambda models: (models / name).symlink_to(to)


def listener(models: Path) -> None:
    with socket.socket(socket.AF_UNIX) as there:
        there.bind("models/a.ckpt")


def pipe_in_a_folder(models: Path) -> None:
    write(models / "mine", FILES)
    (models / "mine/unet/config.json").unlink()
    os.mkfifo(models / "mine/unet/config.json")


def pipe_as_an_index(models: Path) -> None:
    write(models / "mine", {name: FILES[name] for name in FILES if "/" in name})
    os.mkfifo(models / "mine/model_index.json")


def many_folders(models: Path) -> None:
    there = os.getcwd()
    os.chdir(models)
    for _ in range(1900):  # as deep as a path of 4,096 bytes reaches
        os.mkdir("d")
        os.chdir("d")
    os.chdir(there)


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": pipe("a.safetensors"),
    "a pipe as a pickle": pipe("a.ckpt"),
    "a pipe beside a model": pipe("good.json"),
    "a pipe in a folder": pipe_in_a_folder,
    "a pipe as an index": pipe_as_an_index,
    "a socket": listener,
    "a link to a device": link("a.ckpt", "/dev/zero"),
    "a link to the memory": link("a.ckpt", "/proc/self/mem"),
    "a link to standard input": link("a.pt", "/dev/stdin"),
    "a link to itself": link("a.safetensors", "a.safetensors"),
    "a link to its folder": link("a", "."),
    "a folder called so": lambda models: (models / "a.safetensors").mkdir(),
    "folders without end": many_folders,
    "a name of two lines": lambda models: (models / "a\nb.ckpt").write_bytes(b"x"),
    "a name that turns the text": lambda models: (models / "a\u202eb.ckpt").write_bytes(b"x"),
    "a name of no text": lambda models: (models / os.fsdecode(b"\xff.ckpt")).write_bytes(b"x"),
}


@pytest.mark.parametrize("odd", ODD)
def test_the_valid_model_is_listed_beside_odd_files(
    models: Path, odd: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    ODD[odd](models)
    for _ in range(2):  # the second run uses the cache of the first one
        with looking(IdentityCache(tmp_path / "hashes.sqlite")) as registry:
            assert "good.safetensors" in [each.name for each in registry.models()]
            assert registry.scanned
            assert not any(each.loadable for each in registry.models())
    assert all(message.isprintable() for message in caplog.messages)


def test_folders_are_scanned_down_to_a_depth(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deepest = models.joinpath(*["d"] * MOST_DEPTH)
    (deepest / "d").mkdir(parents=True)
    (deepest / "there.safetensors").write_bytes(safetensors_file({"a": (1,)}))
    (deepest / "d/lost.safetensors").write_bytes(safetensors_file({"a": (2,)}))
    with looking() as registry:
        names = {each.name for each in registry.models()}
    assert names == {"good.safetensors", "there.safetensors"}
    assert f"{MOST_DEPTH} folders deep" in caplog.text


def sparse(path: Path, size: int, start: bytes = b"") -> None:
    path.write_bytes(start)
    try:
        os.truncate(path, size)
    except OSError:
        pytest.skip("this file system holds no file of that size, sparse or not")


@pytest.mark.parametrize("name", ["a.ckpt", "a.safetensors", "mine/unet/model.safetensors"])
def test_a_file_larger_than_any_model_is_not_read(models: Path, name: str) -> None:
    write(models / "mine", FILES)
    sparse(models / name, MOST_BYTES + 1, GOOD)
    with looking() as registry:
        (waiting,) = registry.pending()
        assert registry.scanned
        assert (waiting.state, waiting.hashed) == (PendingState.SETTLING, 0)
        assert "bytes, more than any model; 1,099,511,627,776 are the most" in str(waiting.reason)
        assert "good.safetensors" in [each.name for each in registry.models()]


def test_a_sparse_file_delays_no_other_and_ends_with_the_service(models: Path) -> None:
    for name in ("a.ckpt", "b.ckpt", "c.safetensors"):
        sparse(models / name, MOST_BYTES, GOOD if name[0] == "c" else b"")
    before = set(threading.enumerate())
    source = FilesystemModelSource(["models"], settle_seconds=0)
    registry = ModelRegistry(source)
    registry.look()
    while not registry.models():
        source.wait(0.01)
        registry.look()
    (models / "later.safetensors").write_bytes(safetensors_file({"b": (3,)}))
    while len(registry.models()) < 2:
        source.wait(0.01)
        registry.look()
    assert {each.name for each in registry.pending()} == {"a.ckpt", "b.ckpt", "c.safetensors"}
    registry.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)
        assert not thread.is_alive(), "the hash goes on"


def test_the_reason_is_known_before_the_bytes_are_hashed(models: Path) -> None:
    sparse(models / "c.safetensors", MOST_BYTES, GOOD)
    source = FilesystemModelSource(["models"], settle_seconds=0)
    registry = ModelRegistry(source)
    registry.look()
    while not all(each.hashed for each in registry.pending()):
        source.wait(0.01)
        registry.look()
    (waiting,) = registry.pending()
    registry.close()
    assert waiting.state is PendingState.HASHING
    assert "bytes follow the last tensor that its header names" in str(waiting.reason)


def test_a_folder_with_more_files_than_any_model_is_not_read(models: Path) -> None:
    write(models / "mine", FILES)
    for number in range(MOST_PARTS - len(FILES)):
        (models / "mine" / f"{number}.txt").write_bytes(b"x")
    with looking() as registry:
        assert registry.pending() == ()
    (models / "mine/one more.txt").write_bytes(b"x")
    with looking() as registry:
        assert "more than 2,000 files" in str(registry.pending()[0].reason)


@pytest.mark.parametrize("name", [b"a\nb", b"a\rb", b"a\\b", b"a\xffb"])
def test_a_folder_with_a_name_that_cannot_be_in_a_list_is_not_read(
    models: Path, name: bytes, tmp_path: Path
) -> None:
    write(models / "mine", FILES)
    (models / "mine" / os.fsdecode(name)).write_bytes(b"x")
    for _ in range(2):
        with looking(IdentityCache(tmp_path / "hashes.sqlite")) as registry:
            (waiting,) = registry.pending()
            assert "has a name that a list of files cannot hold" in str(waiting.reason)
            assert str(waiting.reason).isprintable()
