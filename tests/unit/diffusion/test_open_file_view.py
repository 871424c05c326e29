"""Paths of files that are held open."""

import os
import zipfile
from pathlib import Path

import pytest

from adapters.diffusion.loading import open_file_view as mirror


def test_a_path_opens_the_file_from_its_start_each_time(tmp_path: Path) -> None:
    path = tmp_path / "weights.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", "weights")
    with path.open("rb") as file:
        path.unlink()
        own = mirror.own_path(file.fileno())
        if own is None:
            pytest.skip("this system has no such path")
        assert zipfile.is_zipfile(own)
        assert Path(own).read_bytes().startswith(b"PK")


def test_without_separate_positions_there_is_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.path.exists
    monkeypatch.setattr(
        os.path, "exists", lambda path: not str(path).startswith("/proc") and found(path)
    )
    with (tmp_path / "weights.ckpt").open("w") as file:
        assert mirror.own_path(file.fileno()) is None
