import hashlib
import os
import threading
from pathlib import Path

import pytest

from adapters.filesystem.folders import EXTENSIONS
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.models.record import ModelFamily, ModelKind, ModelRecord, PendingState
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.unit.filesystem.model_files import safetensors_file


def make_source(*folders: str, clock: FakeClock | None = None) -> FilesystemModelSource:
    """A source for which a file has settled at the second scan, or after a second of `clock`."""
    if clock is None:
        return FilesystemModelSource(folders, settle_seconds=0)
    return FilesystemModelSource(folders, settle_seconds=1, clock=clock)


def records(source: FilesystemModelSource) -> list[ModelRecord]:
    """Return all models, once every moving file has settled."""
    registry = ModelRegistry(source)
    registry.refresh()
    return list(registry.models())


def paths(source: FilesystemModelSource) -> list[str]:
    return sorted(path for record in records(source) for path in (record.path, *record.aliases))


def scan_one(source: FilesystemModelSource) -> ModelRecord:
    (record,) = records(source)
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
        record = scan_one(make_source(written))
        assert record.id == hashlib.sha256(b"weights").hexdigest()
        assert record.name == "a.CKPT"
        assert record.size == 7
        assert record.extension == ".ckpt"
        assert record.path == os.path.join(written, "sub", "a.CKPT")
        assert Path(record.path).read_bytes() == b"weights"


def test_only_model_files_are_listed(folder: Path) -> None:
    for extension in EXTENSIONS:
        (folder / f"model{extension}").write_bytes(b"x")
    for name in ("notes.txt", "model.safetensors.part", "safetensors", ".ckpt", "preview.png"):
        (folder / name).write_bytes(b"x")
    assert paths(make_source("models")) == sorted(
        f"models/model{extension}" for extension in EXTENSIONS
    )


@pytest.mark.parametrize("name", ["模型.pt", "модель.pt", "نموذج.pt", "a b 'c' \"d\".pt", "😀.pt"])
def test_names_in_any_script_are_listed(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    assert paths(make_source("models")) == [f"models/{name}"]


def test_a_name_that_is_not_text_is_skipped_and_reported(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "good.pt").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.pt")).write_bytes(b"x")
    assert paths(make_source("models")) == ["models/good.pt"]
    assert "not UTF-8" in caplog.text


def test_an_unchanged_file_is_read_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    (folder / "a.pt").write_bytes(b"one")
    source = make_source("models")
    first = scan_one(source)
    assert scan_one(source) == first
    assert caplog.text.count("hashing") == 1


def test_a_replaced_file_gets_its_new_id_even_with_an_older_time(folder: Path) -> None:
    file = folder / "a.pt"
    file.write_bytes(b"one")
    source = make_source("models")
    scan_one(source)
    (folder / "new").write_bytes(b"two")
    os.utime(folder / "new", ns=(0, 0))
    (folder / "new").rename(file)
    assert scan_one(source).id == hashlib.sha256(b"two").hexdigest()


def test_files_come_and_go(folder: Path) -> None:
    source = make_source("models")
    assert paths(source) == []
    (folder / "a.pt").write_bytes(b"one")
    assert paths(source) == ["models/a.pt"]
    (folder / "a.pt").unlink()
    assert paths(source) == []


def test_a_file_settles_before_it_is_read(folder: Path) -> None:
    file, clock = folder / "a.pt", FakeClock()
    source = make_source("models", clock=clock)
    for content in (b"half", b"half of it and the rest"):
        file.write_bytes(content)
        clock.now += 0.9
        scan = source.scan()
        assert [pending.state for pending in scan.pending] == [PendingState.SETTLING]
        assert scan.models == ()
    clock.now += 0.99
    assert [pending.state for pending in source.scan().pending] == [PendingState.SETTLING]
    clock.now += 0.01
    assert [pending.state for pending in source.scan().pending] == [PendingState.HASHING]
    assert scan_one(source).id == hashlib.sha256(b"half of it and the rest").hexdigest()


def test_a_file_that_changes_during_reading_is_never_listed_with_a_wrong_id(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "a.pt"
    file.write_bytes(b"half of it")
    real = hashlib.sha256
    written: list[int] = []

    def hash_while_written(*arguments):  # type: ignore[no-untyped-def]
        if not written:
            written.append(file.write_bytes(b"half of it and the rest"))
        return real(*arguments)

    monkeypatch.setattr(hashlib, "sha256", hash_while_written)
    assert scan_one(make_source("models")).id == real(b"half of it and the rest").hexdigest()


def test_a_half_copied_safetensors_file_keeps_settling_until_it_is_complete(folder: Path) -> None:
    whole, file = safetensors_file({"a": (1000,)}), folder / "a.safetensors"
    file.write_bytes(whole[:-1])
    source = make_source("models")
    assert records(source) == []
    (pending,) = source.scan().pending
    assert (pending.path, pending.state) == ("models/a.safetensors", PendingState.SETTLING)
    with file.open("ab") as rest:
        rest.write(whole[-1:])
    assert scan_one(source).id == hashlib.sha256(whole).hexdigest()
    assert source.scan().pending == ()


def test_a_file_that_is_being_written_is_no_longer_listed_with_its_old_id(folder: Path) -> None:
    file = folder / "a.pt"
    file.write_bytes(b"one")
    source = make_source("models")
    scan_one(source)
    status = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # ctime still shows the change
    assert source.scan().models == ()
    assert scan_one(source).id == hashlib.sha256(b"two").hexdigest()


def test_links_are_followed_and_loops_end(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pt").write_bytes(b"x")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "dangling.pt").symlink_to(tmp_path / "nowhere")
    assert paths(make_source("models")) == ["models/linked/a.pt"]


def test_empty_files_pipes_and_folders_are_skipped(folder: Path) -> None:
    (folder / "empty.pt").touch()
    (folder / "folder.pt").mkdir()
    os.mkfifo(folder / "pipe.pt")
    assert paths(make_source("models")) == []


def test_an_unreadable_file_stops_nothing_and_is_reported_once(
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
    source = make_source("models")
    for _ in range(3):
        assert paths(source) == ["models/good.pt"]
    (waiting,) = source.scan().pending
    assert (waiting.path, waiting.state) == ("models/bad.pt", PendingState.SETTLING)
    assert waiting.reason == "it cannot be read: Permission denied"
    assert caplog.text.count("models/bad.pt is left out: Permission denied") == 1


def test_a_missing_folder_is_reported_and_the_others_are_scanned(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "a.pt").write_bytes(b"x")
    assert paths(make_source("missing", "models")) == ["models/a.pt"]
    assert "missing is not there" in caplog.text


def test_the_record_describes_the_file(folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(b"garbage that is long enough for a header")
    record = scan_one(make_source("models"))
    assert record.kind is ModelKind.UNKNOWN
    assert record.reason


def test_a_second_run_reads_nothing_again(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (folder / "a.safetensors").write_bytes(safetensors_file({"a": (10,)}))
    runs = []
    for _ in range(2):
        cache = IdentityCache(tmp_path / "data" / "models.sqlite")
        source = FilesystemModelSource(["models"], cache, settle_seconds=0)
        runs.append(records(source))
        source.close()
    assert runs[0] == runs[1]
    assert caplog.text.count("hashing") == 1


def test_closing_ends_a_wait(folder: Path) -> None:
    source = make_source("models")
    waiting = threading.Thread(target=source.wait, args=(60,))
    waiting.start()
    source.close()
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_wait_ends_when_a_file_comes(folder: Path) -> None:
    source = make_source("models")
    stop = threading.Event()

    def keep_writing() -> None:  # the watcher may not have started yet when the first file comes
        while not stop.wait(0.05):
            (folder / "a.pt").write_bytes(os.urandom(8))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    waiting = threading.Thread(target=source.wait, args=(60,))
    waiting.start()
    waiting.join(20)
    stop.set()
    writer.join()
    assert not waiting.is_alive()
    source.close()


def test_a_refresh_does_not_wait_for_a_file_that_is_being_written(folder: Path) -> None:
    (folder / "whole.pt").write_bytes(b"x")
    (folder / "grows.pt").write_bytes(b"x")
    source = make_source("models", clock=FakeClock())
    source.scan()
    with (folder / "grows.pt").open("ab") as file:
        file.write(b"x")
    source._clock = FakeClock(2000.0)
    assert [record.path for record in records(source)] == ["models/whole.pt"]
    assert [pending.path for pending in source.scan().pending] == ["models/grows.pt"]
    assert source.scan().moving


def test_a_refresh_for_a_name_reads_nothing_else(folder: Path) -> None:
    (folder / "sub").mkdir()
    for name in ("a.ckpt", "sub/a.ckpt", "b.ckpt", "b.vae.pt"):
        (folder / name).write_bytes(name.encode())

    def found(only: str | None) -> tuple[list[str], list[str]]:
        source = FilesystemModelSource(["models"], settle_seconds=0, only=only)
        pending = [each.path for each in source.scan().pending]
        return sorted(pending), paths(source)

    everything = ["models/a.ckpt", "models/b.ckpt", "models/b.vae.pt", "models/sub/a.ckpt"]
    named = ["models/a.ckpt", "models/sub/a.ckpt"]
    assert found("a.ckpt") == (named, named)
    with_vae = ["models/b.ckpt", "models/b.vae.pt"]
    assert found("models/b.ckpt") == (with_vae, with_vae)
    for other in (None, "c.ckpt", "0123456789"):
        assert found(other) == (everything, everything)


def test_the_largest_file_is_read_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.ckpt").write_bytes(bytes(1000))
    for name in "bcdefg":
        (folder / f"{name}.ckpt").write_bytes(name.encode())
    opened: list[str] = []
    real = os.open

    def noting(path: str, flags: int) -> int:
        opened.append(os.path.basename(path))
        return real(path, flags)

    monkeypatch.setattr(os, "open", noting)
    assert len(records(make_source("models"))) == 7
    assert "a.ckpt" in opened[-2:]  # two threads read at once


def test_a_published_vae_has_a_base(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = safetensors_file({"decoder.conv_in.weight": (4, 4, 3, 3)})
    (folder / "vae.safetensors").write_bytes(content)
    assert scan_one(make_source("models")).base is None
    published = {hashlib.sha256(content).hexdigest(): ModelFamily.SDXL}
    monkeypatch.setattr("adapters.filesystem.records.PUBLISHED_VAES", published)
    record = scan_one(make_source("models"))
    assert (record.base, record.family) == (ModelFamily.SDXL, ModelFamily.SDXL)
