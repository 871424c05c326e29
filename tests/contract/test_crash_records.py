"""What every record of crashes does, in memory and in a file."""

import contextlib
import faulthandler
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.process.crash_file import CrashFile
from application.ports.crash_record import CrashRecord
from tests.fakes.crash_record import FakeCrashRecord
from tests.paths import ROOT

Crash = Callable[[], None]

_CRASH = """
import os, sys
from adapters.process.crash_file import CrashFile
CrashFile(sys.argv[1]).begin()
os.abort()
"""


@pytest.fixture(params=["fake", "file"])
def record_and_crash(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[CrashRecord, Crash]]:
    """A record, and a function that crashes an earlier process that used it."""
    if request.param == "fake":
        fake = FakeCrashRecord()
        yield fake, lambda: setattr(fake, "cause", "SIGABRT (aborted)")
        return
    path = tmp_path / "data" / "crash.txt"

    def crash() -> None:
        command = [sys.executable, "-c", _CRASH, str(path)]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode < 0

    with without_faulthandler():
        record = CrashFile(path)
        yield record, crash
        record.end()


@contextlib.contextmanager
def without_faulthandler() -> Iterator[None]:
    """pytest enables it for the whole run, and gets it back afterwards."""
    was_enabled = faulthandler.is_enabled()
    faulthandler.disable()
    try:
        yield
    finally:
        faulthandler.disable()
        if was_enabled:
            faulthandler.enable(file=2)


def test_a_crash_is_known_until_the_next_record_begins(
    record_and_crash: tuple[CrashRecord, Crash],
) -> None:
    record, crash = record_and_crash
    assert record.earlier() is None
    crash()
    assert record.earlier() == "SIGABRT (aborted)"
    assert record.earlier() == "SIGABRT (aborted)"
    record.begin()
    assert record.earlier() is None


def test_a_crash_that_is_forgotten_is_unknown(
    record_and_crash: tuple[CrashRecord, Crash],
) -> None:
    record, crash = record_and_crash
    record.forget()
    crash()
    record.forget()
    assert record.earlier() is None


def test_a_process_that_ends_normally_leaves_no_record(
    record_and_crash: tuple[CrashRecord, Crash],
) -> None:
    record, _ = record_and_crash
    record.begin()
    record.include_this_thread()
    record.end()
    record.end()
    assert record.earlier() is None


def test_a_process_that_never_started_leaves_the_record_to_another(
    record_and_crash: tuple[CrashRecord, Crash],
) -> None:
    record, crash = record_and_crash
    crash()
    record.end()
    assert record.earlier() == "SIGABRT (aborted)"


def test_the_faulthandler_of_a_host_program_is_not_changed(tmp_path: Path) -> None:
    with without_faulthandler(), (tmp_path / "own").open("wb") as own:
        faulthandler.enable(file=own)
        record = CrashFile(tmp_path / "crash.txt")
        record.begin()
        record.end()
        assert faulthandler.is_enabled()
        assert not (tmp_path / "crash.txt").exists()


def test_only_its_owner_can_read_a_record(tmp_path: Path) -> None:
    path = tmp_path / "crash.txt"
    with without_faulthandler():
        record = CrashFile(path)
        record.begin()
        assert path.stat().st_mode & 0o777 == 0o600
        record.end()
        assert not faulthandler.is_enabled()


@pytest.mark.parametrize("text", ["", "Fatal", "drawing thread 0x1\n", "\xff\x00" * 99])
def test_a_file_without_a_fault_records_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "crash.txt"
    path.write_bytes(text.encode("latin-1"))
    assert CrashFile(path).earlier() is None
    path.unlink()
    path.mkdir()
    assert CrashFile(path).earlier() is None


def test_without_a_writable_record_the_service_continues(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_bytes(b"a file where the folder should be")
    with without_faulthandler():
        record = CrashFile(tmp_path / "data" / "crash.txt")
        assert record.earlier() is None
        record.begin()
        record.end()
    assert "no crash can be noted" in caplog.text
