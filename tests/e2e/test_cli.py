"""The command line as users run it: its own processes, the demo checkpoint, a real device."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.paths import DEMO_CHECKPOINT, ROOT
from tools.demo_checkpoint.judging.judge import judge_shape

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder far from the checkout, without a gunicorn.conf.py; the model is hashed."""
    return tmp_path_factory.mktemp("cwd")


def environment(**changes: str) -> dict[str, str]:
    own = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "MODEL_DIRS": str(DEMO_CHECKPOINT.parent),
        "DEVICE": "cpu",
    }
    return {"PATH": os.environ["PATH"]} | own | changes


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments]


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_generate_draws_a_red_circle_without_server_or_database(folder: Path) -> None:
    size = ("--width", "256", "--height", "256")
    done = run(folder, "generate", "a red circle", "-o", "out.png", "--seed", "7", *size)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out.png  256x256  seed 7\n"
    with Image.open(folder / "out.png") as image:
        assert image.size == (256, 256)
        assert judge_shape(image, shape="circle", colour="red").colour
        assert "Seed: 7" in image.info["parameters"]
    assert not (folder / "data" / "jobs.sqlite").exists()
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr


def test_ctrl_c_stops_the_drawing_and_leaves_no_file(folder: Path) -> None:
    before = sorted(os.listdir(folder))
    parameters = ("--steps", "150", "--number", "4")
    process = subprocess.Popen(
        command("generate", "a red circle", "-o", "never.png", *parameters),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert any("Drawing with" in line for line in process.stderr)
        time.sleep(1)  # no promise depends on it: the command may be loading or drawing
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    # Python lets the signal itself end the process if it arrived within an `exec`, as some imports
    # have. Shells report both as 130.
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, error.splitlines()[-1]) == ("", "stopped")
    assert [name for name in os.listdir(folder) if name not in {*before, "data"}] == []


def test_models_and_doctor_list_the_demo_model(folder: Path) -> None:
    listed = json.loads(run(folder, "models", "--json").stdout)
    assert [each["name"] for each in listed["models"] if each["loadable"]] == ["demo.safetensors"]
    done = run(folder, "doctor", "--json", PORT=free_port())
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (0, True), done.stdout
    details = {row["name"]: row["detail"] for row in document["checks"]}
    assert details["device"].startswith("cpu, ")


def test_doctor_reports_a_missing_device_and_database(folder: Path) -> None:
    (folder / "file").touch()
    url = f"sqlite:///{folder}/file/jobs.sqlite"
    done = run(folder, "doctor", "--json", DEVICE="cuda:99", DATABASE_URL=url)
    problems = {
        row["name"] for row in json.loads(done.stdout)["checks"] if row["verdict"] == "problem"
    }
    assert done.returncode == 1
    assert {"device", "DATABASE_URL"} <= problems


@pytest.mark.parametrize("arguments", [["doctor"], ["generate", "a red circle", "--steps", "2"]])
def test_a_full_disk_prints_one_error_and_loses_no_picture(
    tmp_path: Path, arguments: list[str]
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment(PORT=free_port()),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=200,
        )
    assert done.returncode == 1
    said = "Error: standard output cannot be written to: No space left on device"
    assert done.stderr.splitlines()[-1] == said
    assert "Traceback" not in done.stderr
    assert (tmp_path / "picture.png").exists() == (arguments[0] == "generate")


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `serve` on a port from its command line, and wait until it answers."""
    port = free_port()
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command("serve", "--port", port),
            cwd=folder,
            env=environment(SECRET_KEY="q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty", PORT="1"),
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        yield process, url
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            get(url + "/health")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the service does not answer")


def get(url: str, **headers: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return json.load(answer)


def test_serve_accepts_tokens_from_the_command_line_and_stops_cleanly(
    served: tuple[subprocess.Popen[bytes], str], folder: Path
) -> None:
    process, url = served
    assert get(url + "/health")["status"] == "healthy"
    secret = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"
    options = ("--subject", "alice", "--scope", "models:read")
    token = run(folder, "token", *options, SECRET_KEY=secret).stdout.strip()
    assert "models" in get(url + "/v1/models", Authorization=f"Bearer {token}")
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(url + "/v1/jobs", Authorization=f"Bearer {token}")
    with refused.value:
        assert refused.value.code == 403
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
