"""Ctrl-C and a closed window, in every phase of the service's life.

CTRL_C_TRIALS is how often each phase is tried (1), with another delay each time; CTRL_C_SECONDS is
the longest allowed shutdown (20, for a busy machine). `-s` prints the measured times.
"""

import os
import random
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.service import RunningService, service_environment
from tests.e2e.terminal import CTRL_C, AtTerminal
from tests.paths import DEMO_CHECKPOINT, ROOT

pytestmark = pytest.mark.torch

TRIALS = int(os.environ.get("CTRL_C_TRIALS", "1"))
LIMIT = float(os.environ.get("CTRL_C_SECONDS", "20"))
GUNICORN = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
SERVE = [sys.executable, "-m", "cli", "serve"]
UNWANTED = ("Traceback", "SIGKILL", "SIGABRT", "terminate called", "Exception ignored", "Fatal")

Environment = dict[str, str]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "models").mkdir()
    shutil.copy(DEMO_CHECKPOINT, tmp_path / "models")
    return service_environment(tmp_path / "models")


@contextmanager
def at_terminal(
    command: list[str], environment: Mapping[str, str], folder: Path
) -> Iterator[AtTerminal]:
    program = AtTerminal(command, environment, folder)
    try:
        yield program
    finally:
        program.close()


def wait_until_starting(program: AtTerminal, environment: Environment) -> None:
    """Wait until its first lines have run; the signal then comes at any time before it listens."""
    while not _catches_sigterm(program):  # Python itself ignores this one
        time.sleep(0.01)


def _catches_sigterm(program: AtTerminal) -> bool:
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)


def wait_until_booting(program: AtTerminal, environment: Environment) -> None:
    program.wait_for("Booting worker")


def wait_until_hashing(program: AtTerminal, environment: Environment) -> None:
    program.wait_for("hashing .*endless.ckpt")


def wait_until_idle(program: AtTerminal, environment: Environment) -> None:
    program.wait_for("Paste this")


def wait_until_warming_up(program: AtTerminal, environment: Environment) -> None:
    program.wait_for("warming up")


def wait_until_drawing(program: AtTerminal, environment: Environment) -> None:
    program.wait_for("Paste this")
    submit(environment)
    program.wait_for("loaded ")


def submit(environment: Environment) -> None:
    model = _call(environment, "GET", "/openai/v1/models/demo.safetensors", b"")
    assert b"demo" in model
    listed = _call(environment, "GET", "/v1/models", b"")
    model_id = listed.split(b'"id":')[1].split(b'"')[1].decode()
    body = (
        f'{{"id": "long", "model_id": "{model_id}", "prompt": "x", "width": 768, "height": 768, '
        '"num_inference_steps": 150}'
    )
    assert b"queued" in _call(environment, "POST", "/v1/jobs", body.encode())


def _call(environment: Environment, method: str, path: str, body: bytes) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{environment['PORT']}{path}",
        data=body or None,
        method=method,
        headers={
            "Authorization": f"Bearer {environment['API_KEYS']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        data: bytes = answer.read()
    return data


PHASES: dict[str, tuple[Callable[[AtTerminal, Environment], None], dict[str, str]]] = {
    "starting": (wait_until_starting, {}),
    "booting": (wait_until_booting, {}),
    "hashing": (wait_until_hashing, {}),
    "idle": (wait_until_idle, {}),
    "warming up": (wait_until_warming_up, {"WARM_UP": DEMO_CHECKPOINT.name}),
    "drawing": (wait_until_drawing, {}),
}


@pytest.mark.parametrize("trial", range(TRIALS))
@pytest.mark.parametrize("times", ["once", "twice"])
@pytest.mark.parametrize("command", [GUNICORN, SERVE], ids=["gunicorn", "serve"])
@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_ends_the_service(
    phase: str,
    command: list[str],
    times: str,
    trial: int,
    environment: Environment,
    tmp_path: Path,
) -> None:
    wait, changes = PHASES[phase]
    if phase == "hashing":
        with (tmp_path / "models" / "endless.ckpt").open("wb") as endless:
            endless.truncate(1 << 40)
    environment |= changes
    with at_terminal(command, environment, tmp_path) as program:
        wait(program, environment)
        time.sleep(random.uniform(0, 0.5))
        program.press(CTRL_C)
        began = time.monotonic()
        if times == "twice":
            time.sleep(random.uniform(0.31, 0.6))
            program.press(CTRL_C)
        program.seconds_to_end(LIMIT)
        took = time.monotonic() - began
        print(f"{phase}, {command[2]}, {times}: {took:.2f} s, status {program.process.returncode}")
        # 130 if the service was not serving yet, or if a second Ctrl-C cut the shutdown short.
        cut_short = phase == "starting" or times == "twice"
        assert program.process.returncode in ((0, 130) if cut_short else (0,)), program.printed
        assert [word for word in UNWANTED if word in program.printed] == [], program.printed


@pytest.mark.parametrize("phase", ["booting", "idle", "drawing"])
def test_closing_the_window_ends_the_service_like_sigterm(
    phase: str, environment: Environment, tmp_path: Path
) -> None:
    environment |= {"SHUTDOWN_GRACE_SECONDS": "2"}
    with at_terminal(SERVE, environment, tmp_path) as program:
        PHASES[phase][0](program, environment)
        program.close_window()
        program.seconds_to_end(60)
        assert program.process.returncode == 0


def test_jobs_interrupted_by_ctrl_c_are_drawn_by_the_next_start(
    environment: Environment, tmp_path: Path
) -> None:
    with at_terminal(SERVE, environment, tmp_path) as program:
        wait_until_drawing(program, environment)
        program.press(CTRL_C)
        program.seconds_to_end(LIMIT)
    again = RunningService(environment, tmp_path)
    try:
        again.wait_for_line("1 accepted jobs of an earlier run are drawn now")
        assert again.call("GET", "/v1/jobs/long").json["status"] in ("queued", "running")
        assert again.call("DELETE", "/v1/jobs/long").status in (200, 202)
    finally:
        assert again.stop() == 0


def test_sighup_without_a_terminal_changes_nothing(
    environment: Environment, tmp_path: Path
) -> None:
    service = RunningService(environment, tmp_path)
    try:
        service.wait_for_line("Paste this")
        service.process.send_signal(signal.SIGHUP)
        service.wait_for_line("SIGHUP changes nothing")
        assert service.call("GET", "/health/ready").status == 200
        assert service.output.count("Booting worker") == 1
    finally:
        assert service.stop() == 0
