"""Mixed drawings for a while, and the resources that the service holds.

    python -m benchmarks.soak [--drawings 600] [--plot docs/soak.svg]

Two models, every sampler, three formats and three APIs, with cancels and bad requests in between.
Resident memory, open files and threads of the worker are read after each request. The last line
says how much each grew from the second quarter to the last one; the first quarter is warm-up. The
plot needs matplotlib: `pip install .[benchmarks]`.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.memory import resident_bytes
from benchmarks.registry.files import demo_variant
from benchmarks.registry.service import worker_of
from domain.samplers import Sampler
from tests.e2e.service import RunningService, run_service

__all__ = ["Sample", "growth", "main"]

_SIZES = ((256, 256), (320, 256), (256, 320))
_FORMATS = ("png", "jpeg", "webp")
_PROMPTS = ("a red circle", "a lake at night", "a blue star", "mountains, " * 40)
_BAD_EVERY = 10
_CANCEL_EVERY = 15


@dataclass(frozen=True, slots=True)
class Sample:
    """The resources that the worker held after a request."""

    drawings: int
    megabytes: float
    files: int
    threads: int


def growth(values: Sequence[float]) -> float:
    """Return by how much the last quarter's median exceeds the second's; 0.01 is 1 %."""
    quarter = len(values) // 4
    before = statistics.median(values[quarter : 2 * quarter])
    return statistics.median(values[-quarter:]) / before - 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, print the held resources, and plot them; return 1 if a drawing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=600)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        samples, failed = _soak(Path(folder), given.drawings)
    print(f"{samples[-1].drawings} drawings, {failed} failed")
    for name in ("megabytes", "files", "threads"):
        values = [getattr(sample, name) for sample in samples]
        print(
            f"{name}: {min(values):.0f} to {max(values):.0f}, growth {100 * growth(values):+.1f} %"
        )
    if given.plot is not None:
        _plot(samples, given.plot)
    return int(failed > 0)


def _soak(folder: Path, drawings: int) -> tuple[list[Sample], int]:
    models = folder / "models"
    models.mkdir()
    for number in range(2):
        demo_variant(models / f"{number}.safetensors", number)
    rng = random.Random(7)  # noqa: S311 - the same requests each time
    apis: list[Callable[[RunningService, random.Random, int], int]] = [_v1, _v1, _openai, _sdapi]
    samples, failed = [], 0
    with run_service(models, folder) as service:
        worker = worker_of(service)
        for number in range(drawings):
            failed += rng.choice(apis)(service, rng, number) != 200
            if number % _BAD_EVERY == 0:
                service.call("POST", "/v1/infer", {"prompt": "", "width": "wide"})
            if number % _CANCEL_EVERY == 0:
                _cancel(service, rng, number)
            samples.append(_sample(worker, number + 1))
    return samples, failed


def _body(rng: random.Random, number: int) -> dict[str, Any]:
    width, height = rng.choice(_SIZES)
    return {
        "id": f"soak {number}",
        "model_id": rng.choice(("0", "1")),
        "prompt": rng.choice(_PROMPTS),
        "num_inference_steps": rng.choice((2, 4, 6)),
        "width": width,
        "height": height,
        "seed": number,
        "num_images": rng.choice((1, 1, 2)),
        "scheduler": str(rng.choice(list(Sampler))),
        "output_format": rng.choice(_FORMATS),
    }


def _v1(service: RunningService, rng: random.Random, number: int) -> int:
    return service.call("POST", "/v1/infer", _body(rng, number)).status


def _openai(service: RunningService, rng: random.Random, number: int) -> int:
    body = {
        "model": rng.choice(("0", "1")),
        "prompt": rng.choice(_PROMPTS),
        "size": "256x256",
        "num_inference_steps": 4,
        "seed": number,
    }
    return service.call("POST", "/openai/v1/images/generations", body).status


def _sdapi(service: RunningService, rng: random.Random, number: int) -> int:
    body = {
        "prompt": rng.choice(_PROMPTS),
        "steps": 4,
        "width": 256,
        "height": 256,
        "seed": number,
        "override_settings": {"sd_model_checkpoint": rng.choice(("0", "1"))},
    }
    return service.call("POST", "/sdapi/v1/txt2img", body).status


def _cancel(service: RunningService, rng: random.Random, number: int) -> None:
    body = _body(rng, number) | {"id": f"cancelled {number}", "num_inference_steps": 50}
    service.call("POST", "/v1/jobs", body)
    path = f"/v1/jobs/cancelled%20{number}"
    service.call("DELETE", path)
    while service.call("GET", path).json["status"] in ("queued", "running"):
        time.sleep(0.02)
    service.call("DELETE", f"{path}?forget=true")


def _sample(worker: int, drawings: int) -> Sample:
    return Sample(
        drawings,
        resident_bytes(worker) / 1e6,
        len(os.listdir(f"/proc/{worker}/fd")),
        len(os.listdir(f"/proc/{worker}/task")),
    )


def _plot(samples: Sequence[Sample], target: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg" if target.suffix == ".svg" else "agg")
    mpl.rcParams.update({"svg.hashsalt": "ai-inference", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 1, sharex=True, figsize=(9, 5), layout="constrained")
    rows = (("megabytes", "resident, MB"), ("files", "open files"), ("threads", "threads"))
    for each, (name, label) in zip(axes, rows, strict=True):
        each.plot([s.drawings for s in samples], [getattr(s, name) for s in samples], "#2f7d5b")
        each.set_ylabel(label)
        each.set_ylim(bottom=0)
    axes[-1].set_xlabel("drawings")
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


if __name__ == "__main__":
    sys.exit(main())
