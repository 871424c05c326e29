"""A native library may abort the process: a job can do so three times."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT


def run(data_dir: Path, stage: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.unit.lifecycle.aborting_service", str(data_dir), stage],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGABRT")
@pytest.mark.parametrize("stage", ["load", "step", "store"])
def test_a_job_that_aborts_its_process_is_given_up_and_the_others_are_drawn(
    tmp_path: Path, stage: str
) -> None:
    for _ in range(3):
        assert run(tmp_path, stage).returncode == -signal.SIGABRT
    done = run(tmp_path, stage)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["deadly failed", "good succeeded"]


def test_a_job_that_aborts_nothing_is_drawn(tmp_path: Path) -> None:
    done = run(tmp_path, "none")
    assert done.stdout.splitlines() == ["deadly succeeded", "good succeeded"], done.stderr
