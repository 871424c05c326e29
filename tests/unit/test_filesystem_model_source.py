import hashlib
import os
from pathlib import Path

import pytest

from adapters.filesystem.model_source import EXTENSIONS, FilesystemModelSource
from domain.models import ModelRecord


def paths(source: FilesystemModelSource) -> list[str]:
    return sorted(record.path for record in source.scan())


def scan_one(source: FilesystemModelSource) -> ModelRecord:
    (record,) = source.scan()
    return record


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_a_file_is_named_by_its_bytes_and_its_path_by_the_setting(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "a.CKPT").write_bytes(b"weights")
    for written in ("models", "models/", "./models", str(folder)):
        record = scan_one(FilesystemModelSource([written]))
        assert record.id == hashlib.sha256(b"weights").hexdigest()
        assert record.name == "a.CKPT"
        assert record.size == 7
        assert record.extension == ".ckpt"
        assert record.path == os.path.join(written, "sub", "a.CKPT")
        assert Path(record.path).read_bytes() == b"weights"


def test_model_files_alone_are_listed(folder: Path) -> None:
    for extension in EXTENSIONS:
        (folder / f"model{extension}").write_bytes(b"x")
    for name in ("notes.txt", "model.safetensors.part", "safetensors", ".ckpt", "preview.png"):
        (folder / name).write_bytes(b"x")
    assert paths(FilesystemModelSource(["models"])) == sorted(
        f"models/model{extension}" for extension in EXTENSIONS
    )


@pytest.mark.parametrize("name", ["模型.pt", "модель.pt", "نموذج.pt", "a b 'c' \"d\".pt", "😀.pt"])
def test_names_in_any_script_are_listed(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    assert paths(FilesystemModelSource(["models"])) == [f"models/{name}"]


def test_a_name_that_is_no_text_is_left_out_and_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "good.pt").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.pt")).write_bytes(b"x")
    assert paths(FilesystemModelSource(["models"])) == ["models/good.pt"]
    assert "not UTF-8" in caplog.text


def test_an_unchanged_file_is_read_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    (folder / "a.pt").write_bytes(b"one")
    source = FilesystemModelSource(["models"])
    first = scan_one(source)
    assert scan_one(source) == first
    assert caplog.text.count("hashing") == 1


def test_a_replaced_file_gets_its_new_id_even_when_its_time_goes_back(folder: Path) -> None:
    file = folder / "a.pt"
    file.write_bytes(b"one")
    source = FilesystemModelSource(["models"])
    scan_one(source)
    (folder / "new").write_bytes(b"two")
    os.utime(folder / "new", ns=(0, 0))
    (folder / "new").rename(file)
    assert scan_one(source).id == hashlib.sha256(b"two").hexdigest()


def test_files_come_and_go(folder: Path) -> None:
    source = FilesystemModelSource(["models"])
    assert paths(source) == []
    (folder / "a.pt").write_bytes(b"one")
    assert paths(source) == ["models/a.pt"]
    (folder / "a.pt").unlink()
    assert paths(source) == []


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_scan(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "a.pt"
    file.write_bytes(b"half of it")
    real = hashlib.file_digest

    def digest_while_written(*arguments):  # type: ignore[no-untyped-def]
        digest = real(*arguments)
        with file.open("ab") as more:
            more.write(b" and the rest")
        return digest

    source = FilesystemModelSource(["models"])
    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "file_digest", digest_while_written)
        assert list(source.scan()) == []
    assert scan_one(source).id == hashlib.sha256(b"half of it and the rest").hexdigest()


def test_links_are_followed_and_loops_end(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pt").write_bytes(b"x")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "dangling.pt").symlink_to(tmp_path / "nowhere")
    assert paths(FilesystemModelSource(["models"])) == ["models/linked/a.pt"]


def test_empty_files_pipes_and_folders_are_left_out(folder: Path) -> None:
    (folder / "empty.pt").touch()
    (folder / "folder.pt").mkdir()
    os.mkfifo(folder / "pipe.pt")
    assert paths(FilesystemModelSource(["models"])) == []


def test_an_unreadable_file_stops_nothing_and_is_told_once(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "good.pt").write_bytes(b"x")
    (folder / "bad.pt").write_bytes(b"x")
    real = os.open

    def refuse(path: str, flags: int) -> int:  # the tests may run as root, whom no mode stops
        if path.endswith("bad.pt"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    source = FilesystemModelSource(["models"])
    for _ in range(3):
        assert paths(source) == ["models/good.pt"]
    assert caplog.text.count("models/bad.pt is left out: Permission denied") == 1


def test_a_folder_that_is_not_there_is_told_and_the_others_are_scanned(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "a.pt").write_bytes(b"x")
    assert paths(FilesystemModelSource(["missing", "models"])) == ["models/a.pt"]
    assert "missing is not there" in caplog.text
