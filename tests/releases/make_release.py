"""Make what a release leaves behind: a database and pictures that its own code has written.

    python -m tests.releases.make_release NAME [CHECKOUT]

CHECKOUT is a work tree of the release, such as `git worktree add --detach DIR COMMIT` makes.
Without it, the code is that of this checkout. The real service of that code draws with the demo
checkpoint and answers over HTTP. Then it is killed while it draws. `tests/releases/NAME/` holds
what is left: `jobs.sqlite`, `results/`, and in `answers.json` what the service answered. The keys
of the callers are not in these files.
"""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from tests.paths import DEMO_CHECKPOINT, ROOT
from tests.releases.callers import FIRST, SECOND, caller_of

_SECONDS = 120
_SMALL = {"width": 256, "height": 256, "num_inference_steps": 2}
_LONG = {"num_inference_steps": 150, "width": 1024, "height": 1024}
_FINISHED: dict[str, list[dict[str, Any]]] = {
    FIRST: [
        {"id": "png", "prompt": "a red circle", "seed": 7, "negative_prompt": "trees"},
        {"id": "jpeg", "prompt": "a lake\nat night", "output_format": "jpeg", "quality": 60},
        {
            "id": "two webp",
            "prompt": "a blue star",
            "output_format": "webp",
            "num_images": 2,
            "scheduler": "Euler a",
            "guidance_scale": 1.0,
        },
    ],
    SECOND: [{"id": "jpeg", "prompt": "a house", "seed": 1, "output_format": "jpeg"}],
}
_QUEUED: dict[str, list[dict[str, Any]]] = {
    FIRST: [
        {"id": "waits with a seed", "prompt": "a red square", "seed": 11},
        {"id": "waits", "prompt": "a mountain", "output_format": "webp", "num_images": 2},
    ],
    SECOND: [{"id": "waits", "prompt": "a tree", "scheduler": "DPM++ 2M Karras", "width": 300}],
}
_RUNNING = {"id": "runs", "prompt": "a green circle", "seed": 5, "num_inference_steps": 150}


class _Service:
    """The service of a checkout, as its users run it."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {
            "PYTHONPATH": str(checkout),
            "PORT": str(port),
            "API_KEYS": f"{FIRST},{SECOND}",
            "DATA_DIR": str(folder / "data"),
            "MODEL_DIRS": str(folder / "models"),
            "MODEL_SCAN_INTERVAL": "0.2",
            "DEVICE": "cpu",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", str(checkout / "gunicorn.conf.py")],
            cwd=folder,
            env=kept | own,
            start_new_session=True,
        )

    def call(self, method: str, path: str, key: str = FIRST, body: Any = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def json(self, *request: Any) -> Any:
        status, body = self.call(*request)
        assert status < 300, (request, status, body)
        return json.loads(body)

    def job(self, name: str, key: str = FIRST) -> Any:
        return self.json("GET", f"/v1/jobs/{quote(name)}", key)

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.call("GET", "/health/ready")[0] == 200
        return False

    def kill(self) -> None:
        """End all its processes at once, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def make(name: str, checkout: Path) -> Path:
    """Run the service of `checkout` until it has left one job of each kind. Returns the folder."""
    made = ROOT / "tests" / "releases" / name
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "models").mkdir()
        shutil.copy(DEMO_CHECKPOINT, folder / "models")
        service = _Service(checkout, folder)
        try:
            _until(service.is_ready)
            answers = _use(service, folder / "models")
        finally:
            service.kill()
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        _keep(folder / "data", made)
    text = json.dumps(answers, indent=1, ensure_ascii=True)
    (made / "answers.json").write_text(text + "\n", encoding="utf-8")
    return made


def _use(service: _Service, models: Path) -> dict[str, Any]:
    (model,) = service.json("GET", "/v1/models")["models"]
    small = _SMALL | {"model_id": model["id"]}
    answers: dict[str, Any] = {"jobs": {}, "pictures": {}}
    for key, bodies in _FINISHED.items():
        for body in bodies:
            answer = service.json("POST", "/v1/infer", key, small | body)
            digests = [
                hashlib.sha256(base64.b64decode(each.pop("base64"))).hexdigest()
                for each in answer["images"]
            ]
            row = {"body": small | body, "answer": answer, "sha256": digests}
            answers["pictures"].setdefault(caller_of(key), {})[body["id"]] = row
    _cancel_and_fail(service, models, small)
    running = small | _RUNNING
    service.json("POST", "/v1/jobs", FIRST, running)
    for key, bodies in _QUEUED.items():
        for body in bodies:
            service.json("POST", "/v1/jobs", key, small | body)
    _until(lambda: service.job("runs")["status"] == "running")
    for key in (FIRST, SECOND):
        page = service.json("GET", "/v1/jobs?limit=100", key)
        answers["jobs"][caller_of(key)] = page["jobs"]
    return answers


def _cancel_and_fail(service: _Service, models: Path, small: dict[str, Any]) -> None:
    """Two cancelled jobs, one of them while it was drawn, and one that fails: its model is gone."""
    data = bytearray((models / DEMO_CHECKPOINT.name).read_bytes())
    data[-1] ^= 1
    other = models / "gone.safetensors"
    other.write_bytes(data)
    _until(lambda: service.json("GET", "/v1/models")["count"] == 2)
    identity = hashlib.sha256(data).hexdigest()
    service.json("POST", "/v1/jobs", FIRST, small | _LONG | {"id": "cancelled", "prompt": "a"})
    _until(lambda: service.job("cancelled")["status"] == "running")
    fails = small | {"id": "failed", "prompt": "a hill", "model_id": identity}
    service.json("POST", "/v1/jobs", FIRST, fails)
    waits = small | {"id": "cancelled while it waits", "prompt": "b"}
    service.json("POST", "/v1/jobs", SECOND, waits)
    service.call("DELETE", "/v1/jobs/cancelled%20while%20it%20waits", SECOND)
    other.unlink()
    _until(lambda: service.json("GET", "/v1/models")["count"] == 1)
    service.call("DELETE", "/v1/jobs/cancelled", FIRST)
    _until(lambda: service.job("failed")["status"] == "failed")


def _keep(data: Path, made: Path) -> None:
    # What was written last is in the write-ahead log; it goes into the database here.
    database = sqlite3.connect(data / "jobs.sqlite")
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    shutil.copy(data / "jobs.sqlite", made)
    shutil.copytree(data / "results", made / "results")


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    print(make(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ROOT).resolve()))
