"""What a person sees at startup: the key, the command to paste, and why a start fails."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.service import RunningService, service_environment
from tests.paths import DEMO_BESIDE, DEMO_CHECKPOINT, ROOT

pytestmark = pytest.mark.torch

SHELLS = [name for name in ("dash", "bash", "zsh", "fish", "ksh") if shutil.which(name)]
SECRET_KEY = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"
OWN_KEYS = "first-key-of-the-user-0, second-key-of-the-user"


def start(folder: Path, **changes: str) -> RunningService:
    """Run a service in `folder` that draws with two steps, and wait until it is ready."""
    models = folder / "models"
    if not models.exists():
        models.mkdir()
        shutil.copy(DEMO_CHECKPOINT, models)
    environment = service_environment(models, **changes, DEFAULT_INFERENCE_STEPS="2")
    service = RunningService(environment, folder)
    service.wait_for_line("^sh -c")
    return service


def paste(
    shell: str, line: str, folder: Path, typed: str = "", **exported: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as it was printed, and type `typed` when asked."""
    folder.mkdir()
    return subprocess.run(
        [shell, "-c", line],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **exported},
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_drawn(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 0, done
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG"), done
    assert f"The picture is {folder}/picture.png" in done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "a folder").mkdir()
    return tmp_path / "a folder"


@pytest.fixture
def ended(home: Path) -> Iterator[list[RunningService]]:
    """Services that are stopped at the end of the test."""
    services: list[RunningService] = []
    yield services
    for service in services:
        service.stop()


def test_a_generated_key_survives_restarts_and_the_printed_command_draws_with_it(
    home: Path, tmp_path: Path, ended: list[RunningService]
) -> None:
    ended.append(service := start(home, API_KEYS=""))
    key = service.wait_for_line("^API key: ").split()[-1]
    assert f"{service.url}/#key={key}" in service.output
    assert (home / "data" / "api-key").read_text().strip() == key
    for shell in SHELLS:
        assert_drawn(paste(shell, service.wait_for_line("^sh -c"), home / shell), home / shell)
    logged = [line for line in service.output.splitlines() if re.match(r"\d{4}-", line)]
    assert len(logged) > 5
    assert not [line for line in logged if key in line]
    assert service.call("GET", "/v1/models").status == 401
    assert service.stop() == 0
    ended.append(again := start(home, API_KEYS=""))
    assert again.wait_for_line("^API key: ").split()[-1] == key
    mine = {"Authorization": f"Bearer {key}"}
    assert again.call("GET", "/v1/jobs", headers=mine).json["count"] >= 1


def test_with_api_keys_the_printed_command_reads_the_key_from_the_shell_or_asks(
    home: Path, ended: list[RunningService]
) -> None:
    ended.append(service := start(home, API_KEYS=OWN_KEYS))
    line = service.wait_for_line("^sh -c")
    assert not [key for key in OWN_KEYS.split(", ") if key in service.output]
    assert not (home / "data" / "api-key").exists()
    for shell in SHELLS:
        own = paste(shell, line, home / f"{shell} exported", API_KEYS=OWN_KEYS)
        assert_drawn(own, home / f"{shell} exported")
        asked = paste(shell, line, home / f"{shell} asked", typed=f"{OWN_KEYS.split(', ')[1]}\n")
        assert_drawn(asked, home / f"{shell} asked")
        assert asked.stdout.startswith("API key: ")
        wrong = paste(shell, line, home / f"{shell} wrong", typed="wrong\n")
        assert wrong.returncode != 0
        assert "credential" in wrong.stderr
        assert not (home / f"{shell} wrong" / "picture.png").exists()


def test_with_a_secret_key_the_printed_command_makes_a_token_or_asks(
    home: Path, ended: list[RunningService]
) -> None:
    ended.append(service := start(home, API_KEYS="", SECRET_KEY=SECRET_KEY))
    line = service.wait_for_line("^sh -c")
    assert SECRET_KEY not in service.output
    for shell in SHELLS:
        made = paste(shell, line, home / f"{shell} made", SECRET_KEY=SECRET_KEY)
        assert_drawn(made, home / f"{shell} made")
    token = subprocess.run(
        [sys.executable, "-m", "cli", "token", "--subject", "me"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": SECRET_KEY},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert_drawn(paste("sh", line, home / "asked", typed=token), home / "asked")


COMMANDS = {
    "gunicorn": [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py")],
    "serve": [sys.executable, "-m", "cli", "serve"],
    "make": ["make", "-C", str(ROOT), f"VENV={sys.prefix}", f"-o{sys.prefix}/.installed", "run"],
}


def refused(name: str, folder: Path, **changes: str) -> str:
    """Return what a failing start prints besides its log."""
    done = subprocess.run(
        COMMANDS[name],
        cwd=folder,
        env=service_environment(folder, DATA_DIR=str(folder / "data"), **changes),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert done.stdout.replace(f"make: Entering directory '{ROOT}'", "").strip() in (
        "",
        f"make: Leaving directory '{ROOT}'",
    )
    said = [
        line
        for line in done.stderr.splitlines()
        if line and not re.match(r"\d{4}-.* INFO |make: ", line)
    ]
    assert len(said) == 1, done.stderr
    return said[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_port_in_use_is_one_sentence(name: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused(name, tmp_path, PORT=str(port))
    assert said.startswith(f"Error: port {port} of 127.0.0.1 is taken")
    assert "choose another port, such as PORT=" in said
    # A service that could not even listen has changed nothing.
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_an_address_of_another_machine_is_one_sentence(name: str, tmp_path: Path) -> None:
    said = refused(name, tmp_path, HOST="192.0.2.1")
    assert said.startswith("Error: HOST is '192.0.2.1', which is not an address of this machine")


def test_an_unusable_key_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "api-key").touch()
    done = subprocess.run(
        COMMANDS["serve"],
        cwd=tmp_path,
        env=service_environment(tmp_path, API_KEYS=""),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Delete it to get a new key, or set API_KEYS" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_model_it_prints_the_remedy_and_is_ready_once_there_is_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "models").mkdir()
    service = RunningService(service_environment(tmp_path / "models"), tmp_path)
    try:
        service.wait_for_line("No model to draw with yet.*ai-inference demo|`ai-inference demo`")
        ready = service.call("GET", "/health/ready")
        assert (ready.status, "MODEL_DIRS" in ready.json["detail"]) == (503, True)
        subprocess.run(
            [sys.executable, "-m", "cli", "demo"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "MODEL_DIRS": str(tmp_path / "models"),
            },
            check=True,
            timeout=60,
        )
        service.wait_for_line("Paste this")
        assert service.call("GET", "/health/ready").status == 200
        health = service.call("GET", "/health").json
        # What is beside the checkpoint draws nothing by itself.
        assert (health["models"], health["loadable_models"]) == (1 + len(DEMO_BESIDE), 1)
    finally:
        assert service.stop() == 0
