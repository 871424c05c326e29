"""An incomplete file is awaited while it may grow, and then listed with the reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.models.record import ModelKind, PendingState
from domain.ports.model_source import ModelScan
from tests.fakes.clock import FakeClock
from tests.unit.filesystem.model_files import safetensors_file
from tests.unit.filesystem.test_model_folders import FILES, WEIGHTS, write

WHOLE = safetensors_file({"a": (100,)})
CASES: dict[str, tuple[bytes, str]] = {
    "empty.safetensors": (b"", "the file is empty; copy it again"),
    "empty.ckpt": (b"", "the file is empty; copy it again"),
    "half.safetensors": (WHOLE[:-100], "bytes that its header promises"),
    "header-cut.safetensors": (
        (100_000).to_bytes(8, "little") + b'{"model.diffusion_model',
        "the file has 31 of the 100,008 bytes that its header promises",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def make_source(clock: FakeClock, cache: IdentityCache | None = None) -> FilesystemModelSource:
    return FilesystemModelSource(["models"], cache, settle_seconds=1, stall_seconds=30, clock=clock)


def scan_at_rest(source: FilesystemModelSource) -> ModelScan:
    """Scan once no file is being read in the background."""
    scan = source.scan()
    while any(each.state is PendingState.HASHING for each in scan.pending):
        source.wait(0.01)
        scan = source.scan()
    return scan


def after(source: FilesystemModelSource, clock: FakeClock, *seconds: float) -> ModelScan:
    """Scan at these times, in seconds."""
    scan = scan_at_rest(source)
    for each in seconds:
        clock.now += each
        scan = scan_at_rest(source)
    return scan


@pytest.mark.parametrize("name", CASES)
def test_an_incomplete_file_is_pending_and_then_listed_with_the_reason(
    folder: Path, clock: FakeClock, name: str
) -> None:
    content, reason = CASES[name]
    (folder / name).write_bytes(content)
    source = make_source(clock)
    scan = after(source, clock, 2, 27)
    assert scan.models == ()
    assert scan.settled
    (waiting,) = scan.pending
    assert (waiting.name, waiting.state) == (name, PendingState.SETTLING)
    assert reason in str(waiting.reason)
    scan = after(source, clock, 1)
    assert scan.pending == ()
    (record,) = scan.models
    assert (record.name, record.kind, record.size) == (name, ModelKind.UNKNOWN, len(content))
    assert not record.loadable
    assert reason in str(record.reason)


def test_a_file_that_grows_from_time_to_time_is_not_listed(folder: Path, clock: FakeClock) -> None:
    source = make_source(clock)
    for size in range(0, len(WHOLE), 40):
        (folder / "a.safetensors").write_bytes(WHOLE[:size])
        assert after(source, clock, 2, 26).models == ()
    (folder / "a.safetensors").write_bytes(WHOLE)
    (record,) = after(source, clock, 2).models
    assert record.size == len(WHOLE)


def test_a_file_listed_as_truncated_that_grows_again_is_read_again(
    folder: Path, clock: FakeClock
) -> None:
    (folder / "a.safetensors").write_bytes(WHOLE[:-10])
    source = make_source(clock)
    (cut,) = after(source, clock, 2, 30).models
    assert "promises" in str(cut.reason)
    (folder / "a.safetensors").write_bytes(WHOLE)
    scan = scan_at_rest(source)
    assert (scan.models, [each.reason for each in scan.pending]) == ((), [None])
    (whole,) = after(source, clock, 2).models
    assert whole.id != cut.id
    assert "promises" not in str(whole.reason)


def test_a_later_run_knows_a_file_that_stalled(folder: Path, clock: FakeClock) -> None:
    (folder / "a.safetensors").write_bytes(WHOLE[:-10])
    (folder / "empty.pt").write_bytes(b"")
    for seconds in ((2, 30), ()):
        cache = IdentityCache("models.sqlite")
        scan = after(make_source(clock, cache), clock, *seconds)
        cache.close()
        assert {each.name: "promises" in str(each.reason) for each in scan.models} == {
            "a.safetensors": True,
            "empty.pt": False,
        }


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        (
            "unet/diffusion_pytorch_model.safetensors",
            WEIGHTS[:-1],
            "its file unet/diffusion_pytorch_model.safetensors cannot be used: the file has ",
        ),
        (
            "vae/diffusion_pytorch_model.safetensors",
            b"",
            "its file vae/diffusion_pytorch_model.safetensors cannot be used: the file is empty",
        ),
        (
            "vae/more.safetensors.part",
            b"x",
            "its download is not finished: vae/more.safetensors.part; finish it, or remove",
        ),
    ],
)
def test_an_incomplete_folder_is_pending_and_then_listed_with_the_file(
    folder: Path, clock: FakeClock, path: str, content: bytes, reason: str
) -> None:
    write(folder / "mine", FILES | {path: content})
    source = make_source(clock)
    scan = after(source, clock, 2, 27)
    assert (scan.models, len(scan.pending)) == ((), 1)
    assert scan.pending[0].reason is not None
    scan = after(source, clock, 1)
    (record,) = scan.models
    assert str(record.reason).startswith(reason)
    assert scan.pending == ()


NAME = "two\n2026-01-01 00:00:00 INFO a line that nobody wrote"


def empty(folder: Path) -> None:
    (folder / f"{NAME}.pt").write_bytes(b"")


def cut(folder: Path) -> None:
    (folder / f"{NAME}.safetensors").write_bytes(WHOLE[:-1])


def whole(folder: Path) -> None:
    (folder / f"{NAME}.safetensors").write_bytes(WHOLE)


def lost(folder: Path) -> None:
    (folder / f"{NAME}.pt").symlink_to("nowhere")


def lost_folder(folder: Path) -> None:
    (folder / NAME).symlink_to("nowhere")


def card(folder: Path) -> None:
    whole(folder)
    (folder / f"{NAME}.json").write_text("no JSON")


def in_a_folder(folder: Path) -> None:
    write(folder / NAME, FILES | {f"unet/{NAME}.part": b"x"})


@pytest.mark.parametrize("make", [empty, cut, whole, lost, lost_folder, card, in_a_folder])
def test_a_name_with_a_line_break_is_one_line_of_the_log(
    folder: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], None],
) -> None:
    caplog.set_level("INFO")
    make(folder)
    after(make_source(clock), clock, 2, 30)
    assert any("nobody wrote" in message for message in caplog.messages)
    for message in caplog.messages:
        assert message.isprintable()
