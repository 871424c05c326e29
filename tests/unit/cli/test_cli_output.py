"""What every command does if its output cannot be written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from adapters.cli.program import program
from tests.paths import ROOT

# Commands that need no torch, as a person runs them, with their arguments.
RUNS = ["keys new", "models", "models --json", "token --subject a", "demo"]
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")


def commands(group: click.Group, *names: str) -> Iterator[str]:
    for name, command in group.commands.items():
        yield " ".join((*names, name))
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)


ALL = ["--help", "--version", *RUNS, *(f"{name} --help" for name in commands(program))]


def run(folder: Path, line: str, redirection: str) -> subprocess.CompletedProcess[str]:
    """Run `ai-inference` with these arguments, with its output redirected by the shell."""
    (folder / "models").mkdir()
    (folder / "models" / "a.safetensors").write_bytes(b"weights")
    return subprocess.run(
        ["sh", "-c", f'"$0" -m cli {line} {redirection}', sys.executable],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty",
            "MODEL_DIRS": "models",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


@FULL
@pytest.mark.parametrize("line", ALL)
def test_a_full_disk_is_one_sentence(line: str, tmp_path: Path) -> None:
    done = run(tmp_path, line, ">/dev/full")
    assert done.returncode == 1
    said = [row for row in done.stderr.splitlines() if row.startswith("Error")]
    assert said == ["Error: standard output cannot be written to: No space left on device"]
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("line", ALL)
def test_a_reader_that_stops_early_gets_no_error(line: str, tmp_path: Path) -> None:
    # `true` reads nothing; the command starts when it has ended.
    done = run(tmp_path, line, "| true")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "Error" not in done.stderr


@pytest.mark.parametrize("line", ["keys new", "--help", "models"])
def test_closed_output_is_not_a_success(line: str, tmp_path: Path) -> None:
    done = run(tmp_path, line, ">&-")
    assert done.returncode == 1
    assert "standard output cannot be written to" in done.stderr
    assert "Traceback" not in done.stderr


@FULL
@pytest.mark.parametrize("line", ["keys new", "models"])
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_remarks_that_cannot_be_written_stop_nothing(
    line: str, redirection: str, tmp_path: Path
) -> None:
    done = run(tmp_path, line, redirection)
    assert done.returncode == 0
    assert done.stdout
