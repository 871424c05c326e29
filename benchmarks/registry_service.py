"""How fast the service answers while it hashes."""

import http.client
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.memory import peak_bytes, reset_peak, resident_bytes
from benchmarks.registry_files import Plan, sparse_file
from benchmarks.report import Row
from tests.e2e.service import API_KEY, RunningService, run_service

__all__ = ["listing"]

_FILES = 10
_SECONDS_APART = 0.01
_WARM_UP = 50
_AT_REST = 500
_PATIENCE_SECONDS = 600

_Listing = dict[str, Any]


def listing(plan: Plan, folder: Path) -> Iterator[Row]:
    """`GET /v1/models` of the real gunicorn, at rest and while it hashes."""
    size = plan.scaled(plan.busy_bytes) // _FILES
    models, coming = folder / "models", folder / "coming"
    models.mkdir()
    coming.mkdir()
    for index in range(_FILES):
        sparse_file(coming / f"{index}.safetensors", size, f"weights.{index}")
    with run_service(models, folder, MODEL_SCAN_INTERVAL="10") as service:
        client = _Client(service)
        client.ask(_times(plan.scaled(_WARM_UP, at_least=5)))
        at_rest = client.ask(_times(plan.scaled(_AT_REST, at_least=10)))
        worker = _worker(service)
        before = resident_bytes(worker)
        reset_peak(worker)
        coming.rename(models / "coming")
        client.ask(lambda answer: not _is_hashing(answer))
        began = time.monotonic()
        busy = client.ask(lambda answer: answer["count"] < _FILES)
        seconds = time.monotonic() - began
        grown = peak_bytes(worker) - before
    yield Row(
        name="listing",
        what=f"p99 of GET /v1/models while {_FILES * size / 1e9:.1f} GB are hashed",
        unit="ms",
        ours=1000 * _quantile(busy, 0.99),
        plain=1000 * _quantile(at_rest, 0.99),
        plain_is="the same service at rest",
        bound=20,
        bound_of="ours",
        judged=plan.judged,
        note=f"{len(busy):,} requests in {seconds:.1f} s, one client on a kept connection; median "
        f"{1000 * _quantile(busy, 0.5):.1f} ms, worst {1000 * max(busy):.1f} ms; sparse files at "
        f"{_FILES * size / seconds / 1e9:.2f} GB/s; the worker's memory grew by at most "
        f"{grown / 1e6:.0f} MB",
    )


class _Client:
    """Asks for the models at an even pace over one connection."""

    def __init__(self, service: RunningService) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
        self._headers = {"Authorization": f"Bearer {API_KEY}"}

    def ask(self, go_on: Callable[[_Listing], bool]) -> list[float]:
        """Seconds of each answer, until `go_on` says no to one.

        A request that had to wait for the answer before it counts from when it was due, so that
        one long silence is not one sample.
        """
        seconds = []
        due = began = time.perf_counter()
        answer: _Listing | None = None
        while answer is None or go_on(answer):
            if due - began > _PATIENCE_SECONDS:
                raise RuntimeError(f"after {_PATIENCE_SECONDS} s: {json.dumps(answer)[:500]}")
            early = due - time.perf_counter()
            if early > 0:
                time.sleep(early)
            sent = time.perf_counter() if early > 0 else due
            body = self._get()
            seconds.append(time.perf_counter() - sent)
            answer = json.loads(body)
            due += _SECONDS_APART
        return seconds

    def _get(self) -> bytes:
        self._connection.request("GET", "/v1/models", headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET /v1/models: {response.status} {body[:500]!r}")
        return body


def _times(count: int) -> Callable[[_Listing], bool]:
    left = iter(range(count - 1))
    return lambda _answer: next(left, None) is not None


def _is_hashing(answer: _Listing) -> bool:
    return any(row["state"] == "hashing" for row in answer["pending"])


def _worker(service: RunningService) -> int:
    """The process that gunicorn's own forked to serve."""
    master = service.process.pid
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def _quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that is at least as large as `share` of them."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
