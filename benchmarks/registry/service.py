"""How fast the service answers while it hashes."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.children import in_child, start_child
from benchmarks.memory import peak_bytes, reset_peak, resident_bytes
from benchmarks.registry.files import Plan, sparse_file
from benchmarks.registry.hashing import hash_in_threads, hash_one_after_the_other
from benchmarks.report import Row, quantile
from tests.e2e.service import API_KEY, RunningService, run_service

__all__ = ["listing", "worker_of"]

_LINKS = 10
_SECONDS_APART = 0.01
_WARM_UP = 50
_AT_REST = 1000
_PATIENCE_SECONDS = 600

_Listing = dict[str, Any]


def listing(plan: Plan, folder: Path) -> Iterator[Row]:
    """`GET /v1/models` of the real gunicorn: at rest, beside hashing and while it hashes."""
    models, coming = folder / "models", folder / "coming"
    models.mkdir()
    coming.mkdir()
    # The data has several names, each of which is hashed, so that all of it is in the page cache:
    # filling the cache for the first time stops a virtual machine's cores for longer than what is
    # judged.
    first = coming / "0.safetensors"
    sparse_file(first, plan.scaled(plan.busy_bytes) // _LINKS, "weights")
    for index in range(1, _LINKS):
        os.link(first, coming / f"{index}.safetensors")
    total = _LINKS * first.stat().st_size
    hash_one_after_the_other([first])
    with run_service(models, folder, MODEL_SCAN_INTERVAL="10") as service:
        in_child(ask_at_rest, service.url, plan.scaled(_WARM_UP, at_least=5))
        at_rest = in_child(ask_at_rest, service.url, plan.scaled(_AT_REST, at_least=10))
        beside = in_child(ask_beside_hashing, service.url, str(coming))
        worker = worker_of(service)
        before = resident_bytes(worker)
        reset_peak(worker)
        busy = in_child(ask_while_it_hashes, service.url, str(coming), str(models / "there"))
        grown = peak_bytes(worker) - before
    yield Row(
        name="listing",
        what=f"p99 of GET /v1/models while {total / 1e9:.1f} GB are hashed",
        unit="ms",
        ours=1000 * quantile(busy["answers"], 0.99),
        plain=1000 * quantile(beside["answers"], 0.99),
        plain_is="the same service at rest, while hashlib.file_digest hashes the same files in "
        "another process, one thread per core",
        bound=20,
        bound_of="ours",
        judged=plan.judged,
        note=f"{_summary(busy, total)}; plain: {_summary(beside, total)}; with nothing hashed p99 "
        f"is {1000 * quantile(at_rest['answers'], 0.99):.1f} ms; one client in its own process "
        f"asks every {1000 * _SECONDS_APART:.0f} ms on a kept connection, and a delayed "
        f"request counts from its due time; page cache warm; the worker's memory grew by at most "
        f"{grown / 1e6:.0f} MB",
    )


def ask_at_rest(url: str, times: int) -> dict[str, Any]:
    """Time this many answers; runs in a child process."""
    return {"answers": _Client(url).ask(_times(times))}


def ask_beside_hashing(url: str, folder: str) -> dict[str, Any]:
    """Time the answers while another process hashes `folder`; runs in a child process."""
    client = _Client(url)
    hashing = start_child(hash_in_threads, folder)
    assert hashing.stdout is not None  # noqa: S101 - tells mypy
    began = time.monotonic()
    answers = client.ask(lambda _answer: hashing.poll() is None)
    return {"answers": answers, "seconds": time.monotonic() - began}


def ask_while_it_hashes(url: str, coming: str, there: str) -> dict[str, Any]:
    """Time the answers from the moment the service hashes the new files until all are listed."""
    client = _Client(url)
    Path(coming).rename(there)
    client.ask(lambda answer: not _is_hashing(answer))
    began = time.monotonic()
    answers = client.ask(lambda answer: bool(answer["pending"]))
    return {"answers": answers, "seconds": time.monotonic() - began}


class _Client:
    """Requests the models at an even pace over one connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"Authorization": f"Bearer {API_KEY}"}

    def ask(self, go_on: Callable[[_Listing], bool]) -> list[float]:
        """Return the seconds of each answer, until `go_on` returns False for one.

        A request that had to wait for the answer before it counts from its due time, so that one
        long silence is not a single sample.
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


def worker_of(service: RunningService) -> int:
    """Return the serving process that gunicorn's master process forked."""
    master = service.process.pid
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def _summary(asked: dict[str, Any], total: int) -> str:
    answers, seconds = asked["answers"], asked["seconds"]
    return (
        f"{len(answers):,} requests in {seconds:.1f} s, {total / seconds / 1e9:.2f} GB/s, median "
        f"{1000 * quantile(answers, 0.5):.1f} ms, worst {1000 * max(answers):.1f} ms"
    )
