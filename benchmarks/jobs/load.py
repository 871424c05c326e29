"""Many clients at once, some of which cancel their requests."""

import collections
import itertools
import random
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from tests.e2e.service import RunningService, run_service

__all__ = ["load", "requests_over"]

_REQUESTS = 200
_CLIENTS = 32
_CANCELLED = 0.2
_REPEATED = 0.15
_SIZES = ((256, 256), (320, 256), (256, 320))


def requests_over(models: list[str], count: int, rng: random.Random) -> list[dict[str, Any]]:
    """Return bodies of `/v1/infer` over several models, sizes and seeds; each id occurs once."""
    bodies = []
    for number in range(count):
        width, height = rng.choice(_SIZES)
        bodies.append(
            {
                "id": f"job {number}",
                "model_id": rng.choice(models),
                "prompt": rng.choice(("a red circle", "a lake at night", "a blue star")),
                "seed": rng.randrange(2**32),
                "width": width,
                "height": height,
                "num_inference_steps": rng.choice((1, 2, 4)),
            }
        )
    return bodies


def load(folder: Path, scale: float) -> Iterator[Row]:
    """Every request has exactly one outcome; nothing is lost and nothing drawn twice."""
    count = max(10, int(_REQUESTS * scale))
    models = folder / "models"
    models.mkdir()
    for number in range(3):
        demo_variant(models / f"{number}.safetensors", number)
    rng = random.Random(5)  # noqa: S311 - chosen once, for the same load each time
    with run_service(models, folder) as service:
        ids = [row["id"] for row in service.call("GET", "/v1/models").json["models"]]
        bodies = requests_over(ids, count, rng)
        client = _Clients(service, rng)
        began = time.monotonic()
        with ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(client.one, bodies))
        seconds = time.monotonic() - began
        wrong = client.wrong + client.judge(bodies)
    yield Row(
        name="load",
        what=f"wrong outcomes of {count} requests of {_CLIENTS} clients over 3 models",
        unit="",
        ours=len(wrong),
        plain=count,
        plain_is="requests",
        bound=0,
        bound_of="ours",
        judged=scale == 1,
        note=f"{seconds:.0f} s; "
        + ", ".join(f"{value} {name}" for name, value in sorted(client.outcomes.items()))
        + ("; " + "; ".join(wrong[:3]) if wrong else ""),
    )


class _Clients:
    """Clients, and the answers that they got."""

    def __init__(self, service: RunningService, rng: random.Random) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self._service = service
        self._rng = rng
        self._pictures: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def one(self, body: dict[str, Any]) -> None:
        """Send a request, perhaps twice at once, perhaps cancel it; record the outcome."""
        with self._lock:
            cancels = self._rng.random() < _CANCELLED
            repeats = self._rng.random() < _REPEATED
            after = self._rng.random() * 2
        with ThreadPoolExecutor(2) as own:
            answers = [own.submit(self._service.call, "POST", "/v1/infer", body)]
            if repeats:
                answers.append(own.submit(self._service.call, "POST", "/v1/infer", body))
            if cancels:
                time.sleep(after)
                cancelled = self._service.call("DELETE", f"/v1/jobs/{quote(body['id'])}")
                # 404 is a correct answer if the cancel arrives before the request does.
                self._expect(cancelled.status in (200, 202, 404), f"DELETE {cancelled.status}")
            for answer in [each.result() for each in answers]:
                self._note(body["id"], answer.status, answer.json)

    def judge(self, bodies: list[dict[str, Any]]) -> list[str]:
        """Return what is wrong with the outcomes of the jobs, and with how often each was drawn."""
        wrong = []
        drawn = collections.Counter(re.findall(r"drawn: id='([^']*)'", self._service.output))
        for body in bodies:
            name = body["id"]
            status = self._service.call("GET", f"/v1/jobs/{quote(name)}").json["status"]
            if status not in ("succeeded", "cancelled"):
                wrong.append(f"{name} is {status}")
            if drawn[name] != (status == "succeeded"):
                wrong.append(f"{name} is {status} and was drawn {drawn[name]} times")
        for name, pictures in self._pictures.items():
            if len(set(pictures)) != 1:
                wrong.append(f"{name} has more than one picture")
        return wrong

    def _note(self, name: str, status: int, answer: Any) -> None:
        allowed = {200: "succeeded", 409: "cancelled"}
        self._expect(status in allowed, f"{name} answered {status} {answer}")
        with self._lock:
            self.outcomes[allowed.get(status, str(status))] += 1
            if status == 200:
                pictures = self._pictures.setdefault(name, [])
                pictures += itertools.islice((image["base64"] for image in answer["images"]), 1)

    def _expect(self, good: bool, what: str) -> None:
        if not good:
            with self._lock:
                self.wrong.append(what)
