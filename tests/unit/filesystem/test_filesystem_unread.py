"""Files that cannot be read now do not count as removed."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.models.record import PendingState
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock


def touched(file: Path) -> None:
    os.utime(file)


def linked(file: Path) -> None:
    os.link(file, file.with_name("b.pt"))


def renamed(file: Path) -> None:
    file.rename(file.with_name("b.pt"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_a_folder_that_cannot_be_listed_is_unread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir()
    real = os.scandir

    def refuse(path: str):  # type: ignore[no-untyped-def]
        if path.endswith("sub"):
            raise OSError(errno.ESTALE, "Stale file handle", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert FilesystemModelSource(["models", "missing"]).scan().unread == ("missing", "models/sub")


def test_an_empty_folder_on_another_file_system_is_unread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.pt").write_bytes(b"x")
    source = FilesystemModelSource(["models"], settle_seconds=0)
    source.scan()
    (folder / "a.pt").unlink()
    monkeypatch.setattr("adapters.filesystem.model_source.device_of", lambda _folder: 7)
    for _ in range(2):
        assert source.scan().unread == ("models",)


def test_an_emptied_folder_is_read(folder: Path) -> None:
    (folder / "a.pt").write_bytes(b"x")
    source = FilesystemModelSource(["models"], settle_seconds=0)
    source.scan()
    (folder / "a.pt").unlink()
    assert source.scan().unread == ()


def test_a_mounted_folder_with_other_models_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.pt").write_bytes(b"x")
    source = FilesystemModelSource(["models"], settle_seconds=0)
    source.scan()
    (folder / "a.pt").rename(folder / "b.pt")
    monkeypatch.setattr("adapters.filesystem.model_source.device_of", lambda _folder: 7)
    assert source.scan().unread == ()


def test_a_dangling_link_is_unread(folder: Path, tmp_path: Path) -> None:
    for name in ("a.pt", "sub"):
        (folder / name).symlink_to(tmp_path / "share" / name)
    assert FilesystemModelSource(["models"], settle_seconds=0).scan().unread == (
        "models/a.pt",
        "models/sub",
    )


def test_a_file_that_cannot_be_read_is_awaited(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.pt").write_bytes(b"one")
    registry = ModelRegistry(FilesystemModelSource(["models"], settle_seconds=0))
    registry.refresh()
    (model,) = registry.models()

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", path, flags)

    monkeypatch.setattr(os, "open", refuse)
    (folder / "a.pt").chmod(0)
    registry.refresh()
    assert registry.models() == ()
    assert registry.awaits(model.id)


@pytest.mark.parametrize("touch", [touched, linked, renamed])
def test_a_model_is_awaited_while_its_file_settles_again(
    folder: Path, touch: Callable[[Path], object]
) -> None:
    (folder / "a.pt").write_bytes(b"one")
    clock = FakeClock()
    registry = ModelRegistry(FilesystemModelSource(["models"], settle_seconds=1, clock=clock))
    while not registry.scanned:
        clock.now += 1
        registry.look()
    (model,) = registry.models()
    touch(folder / "a.pt")
    registry.look()
    assert {each.state for each in registry.pending()} == {PendingState.SETTLING}
    assert registry.awaits(model.id)
    assert not registry.awaits("0" * 64)


def test_a_model_whose_file_got_other_bytes_is_no_longer_awaited(folder: Path) -> None:
    (folder / "a.pt").write_bytes(b"one")
    registry = ModelRegistry(FilesystemModelSource(["models"], settle_seconds=0))
    registry.refresh()
    (model,) = registry.models()
    (folder / "a.pt").write_bytes(b"two")
    registry.refresh()
    assert not registry.awaits(model.id)
