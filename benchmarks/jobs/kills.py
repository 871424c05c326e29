"""A process that is killed repeatedly and loses no job that it has accepted."""

import collections
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.jobs.load import requests_over
from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from tests.e2e.service import RunningService, run_service

__all__ = ["kills"]

_KILLS = 20
_PER_ROUND = 6
_PATIENCE_SECONDS = 300


def kills(folder: Path, scale: float) -> Iterator[Row]:
    """Every accepted job finishes once, with the same image as in an undisturbed run."""
    rounds = max(2, int(_KILLS * scale))
    models = folder / "models"
    models.mkdir()
    for number in range(2):
        demo_variant(models / f"{number}.safetensors", number)
    rng = random.Random(9)  # noqa: S311 - chosen once
    accepted: list[dict[str, Any]] = []
    output = ""
    for number in range(rounds):
        with run_service(models, folder) as service:
            accepted += _submit(service, number, rng)
            time.sleep(rng.random() * 3)
            service.kill()
        output += service.output
    began = time.monotonic()
    with run_service(models, folder) as service:
        wrong = _wait(service, accepted)
        seconds = time.monotonic() - began
        wrong += _compare(service, accepted)
        output += service.output
    again = [
        name
        for name, times in collections.Counter(re.findall(r"drawn: id='([^']*)'", output)).items()
        if times != 1
    ]
    wrong += [f"{name} was drawn more than once" for name in again]
    yield Row(
        name="kills",
        what=f"accepted jobs lost, changed or drawn twice over {rounds} SIGKILLs",
        unit="",
        ours=len(wrong),
        plain=len(accepted),
        plain_is="accepted jobs",
        bound=0,
        bound_of="ours",
        judged=scale == 1,
        note=f"all finished {seconds:.0f} s after the last start"
        + ("; " + "; ".join(wrong[:3]) if wrong else ""),
    )


def _submit(service: RunningService, number: int, rng: random.Random) -> list[dict[str, Any]]:
    ids = [row["id"] for row in service.call("GET", "/v1/models").json["models"]]
    accepted = []
    for body in requests_over(ids, _PER_ROUND, rng):
        body["id"] = f"round {number}, {body['id']}"
        if service.call("POST", "/v1/jobs", body).status == 202:
            accepted.append(body)
    return accepted


def _wait(service: RunningService, accepted: list[dict[str, Any]]) -> list[str]:
    until = time.monotonic() + _PATIENCE_SECONDS
    left = {body["id"] for body in accepted}
    while left and time.monotonic() < until:
        time.sleep(0.2)
        for name in list(left):
            if _job(service, name).get("status") == "succeeded":
                left.discard(name)
    return [f"{name} is {_job(service, name).get('status')}" for name in sorted(left)]


def _compare(service: RunningService, accepted: list[dict[str, Any]]) -> list[str]:
    wrong = []
    for body in accepted:
        name = body["id"]
        answer = service.call("POST", "/v1/infer", body | {"id": f"undisturbed {name}"})
        image = service.call("GET", f"/v1/jobs/{quote(name)}/images/0")
        undisturbed = service.call("GET", f"/v1/jobs/{quote('undisturbed ' + name)}/images/0")
        if answer.status != 200 or image.body != undisturbed.body:
            wrong.append(f"{name} has another picture than the undisturbed run")
    return wrong


def _job(service: RunningService, name: str) -> dict[str, Any]:
    job: dict[str, Any] = service.call("GET", f"/v1/jobs/{quote(name)}").json
    return job
