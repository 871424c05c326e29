"""What every process report does, the fake and the real one."""

import mmap
import sys
from pathlib import Path

import pytest

from adapters.process import memory
from adapters.process.memory import LinuxProcessReport
from application.ports.process_report import ProcessReport
from tests.fakes.process_report import FakeProcessReport

_TAKEN = 50_000_000


@pytest.mark.parametrize("report", [FakeProcessReport(), LinuxProcessReport()])
def test_a_process_uses_some_memory_or_reports_none(report: ProcessReport) -> None:
    told = report.memory
    assert told is None or 0 < told.used < told.total


@pytest.mark.skipif(sys.platform != "linux", reason="no other system has /proc")
def test_allocated_memory_is_reported() -> None:
    report = LinuxProcessReport()
    before = report.memory
    # Pages of its own: the allocator may have kept as many from earlier tests.
    with mmap.mmap(-1, _TAKEN) as taken:
        for start in range(0, _TAKEN, mmap.PAGESIZE):
            taken[start] = 1
        after = report.memory
    assert before is not None
    assert after is not None
    assert after.used - before.used > _TAKEN / 2


@pytest.mark.parametrize("content", [None, "", "7", "a b c"])
def test_a_system_without_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    statm = tmp_path / "statm"
    if content is not None:
        statm.write_text(content)
    monkeypatch.setattr(memory, "_STATM", statm)
    assert LinuxProcessReport().memory is None
