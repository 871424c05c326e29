"""A native library may end the process: the next start knows why."""

import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def run(data_dir: Path, stage: str, how: str = "abort") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.unit.lifecycle.aborting_service", str(data_dir), stage, how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def ends(data_dir: Path, stage: str, how: str) -> tuple[list[int], list[str]]:
    """Return the signals that ended starts, and the output of the first start without one."""
    statuses: list[int] = []
    for _ in itertools.repeat(None, 9):
        done = run(data_dir, stage, how)
        if done.returncode >= 0:
            assert done.returncode == 0, done.stderr
            return statuses, done.stdout.splitlines()
        statuses.append(-done.returncode)
    raise AssertionError(f"it never ends: {statuses}")


@pytest.mark.parametrize("stage", ["load", "step"])
@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("abort", signal.SIGABRT),
        ("segv", signal.SIGSEGV),
        pytest.param(
            *("overflow", signal.SIGSEGV),
            marks=pytest.mark.skipif(
                sys.version_info >= (3, 12), reason="Python 3.12 raises RecursionError instead"
            ),
        ),
        ("native", signal.SIGABRT),
    ],
)
def test_a_job_that_crashes_its_process_does_so_only_once(
    tmp_path: Path, stage: str, how: str, number: signal.Signals
) -> None:
    statuses, (deadly, good) = ends(tmp_path, stage, how)
    assert statuses == [number]
    assert deadly.startswith("deadly failed the process that drew this was ended by " + number.name)
    assert good == "good succeeded "
    assert not (tmp_path / "crash.txt").exists()


def test_if_several_jobs_may_be_the_cause_each_is_retried_alone(tmp_path: Path) -> None:
    statuses, (deadly, good) = ends(tmp_path, "store", "segv")
    assert statuses == [signal.SIGSEGV] * 2
    assert deadly.startswith("deadly failed the process that drew this was ended by SIGSEGV")
    assert good == "good succeeded "


@pytest.mark.parametrize(
    ("how", "number"), [("kill", signal.SIGKILL), ("elsewhere", signal.SIGABRT)]
)
def test_an_end_that_may_not_be_the_fault_of_the_job_is_forgiven_twice(
    tmp_path: Path, how: str, number: signal.Signals
) -> None:
    for _ in range(2):
        assert run(tmp_path, "step", how).returncode == -number
    done = run(tmp_path, "none")
    assert done.stdout.splitlines() == ["deadly succeeded ", "good succeeded "], done.stderr


def test_an_end_without_a_known_reason_happens_three_times_at_most(tmp_path: Path) -> None:
    statuses, (deadly, good) = ends(tmp_path, "step", "kill")
    assert statuses == [signal.SIGKILL] * 3
    assert deadly.startswith("deadly failed the service ended 3 times while this was drawn")
    assert good == "good succeeded "


def test_an_old_crash_is_not_the_fault_of_a_later_job(tmp_path: Path) -> None:
    assert run(tmp_path, "step", "segv").returncode == -signal.SIGSEGV
    (tmp_path / "begun").unlink()  # so that both jobs are sent again
    assert run(tmp_path, "step", "kill").returncode == -signal.SIGKILL
    done = run(tmp_path, "none")
    assert done.stdout.splitlines() == ["deadly succeeded ", "good succeeded "], done.stderr


def test_a_job_that_crashes_nothing_is_drawn(tmp_path: Path) -> None:
    done = run(tmp_path, "none")
    assert done.stdout.splitlines() == ["deadly succeeded ", "good succeeded "], done.stderr
