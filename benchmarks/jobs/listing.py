"""How fast a caller gets the list of its jobs."""

import dataclasses
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from adapters.security.api_keys import ApiKeyVerifier
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from application.job import Job
from application.jobs.records import JobRecords
from benchmarks.report import Row, quantile
from domain.generation.request import GeneratedImage, GenerationRequest, GenerationResult, Timings
from tests.e2e.service import API_KEY, run_service
from tests.fakes.stores import FakeResultStore, FakeSoleUse

__all__ = ["listing"]

_JOBS = 10_000
_ASKED = 500
_WARM_UP = 20


def listing(folder: Path, scale: float) -> Iterator[Row]:
    """`GET /v1/jobs` of the real gunicorn, by turns the newest, a later page and one status."""
    models, data = folder / "models", folder / "data"
    models.mkdir()
    count, asked = max(100, int(_JOBS * scale)), max(10, int(_ASKED * scale))
    last = _fill(data, count)
    with run_service(models, folder, DATA_DIR=str(data)) as service:
        paths = (
            "/v1/jobs",
            f"/v1/jobs?cursor=j{last // 2:x}",
            "/v1/jobs?status=succeeded&limit=100",
        )
        answers = _seconds(service.url, lambda turn: paths[turn % len(paths)], asked)
        plain = _seconds(service.url, lambda _turn: "/v1/models", asked)
    yield Row(
        name="listing",
        what=f"p99 of GET /v1/jobs over {count:,} finished jobs",
        unit="ms",
        ours=1000 * quantile(answers, 0.99),
        plain=1000 * quantile(plain, 0.99),
        plain_is="GET /v1/models of the same service, without a model",
        bound=20,
        bound_of="ours",
        judged=scale == 1,
        note=f"{asked} requests over one connection, median {1000 * quantile(answers, 0.5):.1f} ms,"
        f" worst {1000 * max(answers):.1f} ms; a third each for the newest 20, 20 from the middle, "
        "and 100 of one status",
    )


def _fill(data: Path, count: int) -> int:
    """Store `count` succeeded jobs of the test key; return the sequence of the last."""
    owner = ApiKeyVerifier([API_KEY]).verify(API_KEY)
    assert owner is not None  # noqa: S101 - tells mypy
    store = SqlJobStore(SqlDatabase(f"sqlite:///{data / 'jobs.sqlite'}"))
    records = JobRecords(
        store,
        FakeResultStore(),
        FakeSoleUse(),
        retention_seconds=1e9,
        retention_bytes=2**40,
        now=time.time,
    )
    last = 0
    for number in range(count):
        request = GenerationRequest(
            id=f"job {number}", model_id="ab" * 32, prompt="a lake at night", seed=number
        )
        now = time.time()
        new = Job(
            caller=owner.name,
            request=request,
            seed_drawn=False,
            token=f"{number:032x}",
            created_at=now,
        )
        job = records.accept(new)
        records.succeed(dataclasses.replace(job.started(now)), _result(request))
        last = job.sequence
    records.close()
    return last


def _result(request: GenerationRequest) -> GenerationResult:
    image = GeneratedImage(b"picture", request.seed or 0, request.width, request.height)
    return GenerationResult(
        request=request, images=(image,), processing_time=1.0, timings=Timings(), warnings=()
    )


def _seconds(url: str, path: Callable[[int], str], count: int) -> list[float]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    seconds = []
    for turn in range(-_WARM_UP, count):
        began = time.perf_counter()
        connection.request("GET", path(turn), headers={"Authorization": f"Bearer {API_KEY}"})
        response = connection.getresponse()
        body = response.read()
        if turn >= 0:
            seconds.append(time.perf_counter() - began)
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path(turn)}: {response.status} {body[:500]!r}")
    connection.close()
    return seconds
