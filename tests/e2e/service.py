"""The real service: gunicorn in a process of its own."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.paths import DEMO_CHECKPOINT, ROOT

__all__ = [
    "API_KEY",
    "Answer",
    "RunningService",
    "run_demo_service",
    "run_service",
    "service_environment",
]

API_KEY = "key-of-the-end-to-end-tests"
_START_SECONDS = 60
_STOP_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class RunningService:
    """A service process, and its output line by line as it comes."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, config: Path = ROOT / "gunicorn.conf.py"
    ) -> None:
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", str(config)],
            cwd=folder,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Return everything that it has printed so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for_line(self, pattern: str, seconds: float = _START_SECONDS) -> str:
        """Wait for the first printed line that contains `pattern`, and return it."""
        found: list[str] = []

        def look() -> bool:
            found[:] = [line for line in self._lines if re.search(pattern, line)]
            return bool(found) or self.process.poll() is not None

        with self._changed:
            self._changed.wait_for(look, seconds)
        assert found, f"no line with {pattern!r} in:\n{self.output}"
        return found[0]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        seconds: float = 120,
    ) -> Answer:
        """Send a request with the API key; return the answer, whatever its status."""
        sent = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        if body is not None:
            data = json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, sent | dict(headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def kill(self) -> None:
        """Kill all its processes at once, as a power failure does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, as a supervisor does; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_SECONDS)
        finally:
            self.process.kill()
            self._reader.join(10)
            assert self.process.stdout is not None
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def service_environment(models: Path, **changes: str) -> dict[str, str]:
    """Return an environment for a service on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PORT": str(port),
        "API_KEYS": API_KEY,
        "MODEL_DIRS": str(models),
        "MODEL_SCAN_INTERVAL": "0.2",
        "DEVICE": "cpu",
    }
    return {name: value for name, value in (kept | own | changes).items() if value}


@contextlib.contextmanager
def run_service(models: Path, folder: Path, **changes: str) -> Iterator[RunningService]:
    """Run a service over the folder `models`, ready to draw, and stop it at the end."""
    service = RunningService(service_environment(models, **changes), folder)
    try:
        service.wait_for_line("Paste this|No model to draw with")
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def run_demo_service(folder: Path) -> Iterator[RunningService]:
    """Run a service in `folder` over a copy of the demo checkpoint only."""
    models = folder / "models"
    models.mkdir()
    shutil.copy(DEMO_CHECKPOINT, models)
    with run_service(models, folder) as running:
        yield running
