"""How soon after a start the first image is there."""

import io
import statistics
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

from benchmarks.children import in_child
from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from benchmarks.speed.diffusers import diffusers_pipeline, only_model_in
from benchmarks.speed.service import ask
from tests.e2e.service import RunningService, service_environment

__all__ = ["start"]

_ROUNDS = 5
_STEPS = 8
_SIZE = 256
_PROMPT = "a red circle on a white background"
_PATIENCE_SECONDS = 120
_POLL_SECONDS = 0.01


def start(folder: Path, scale: float) -> Iterator[Row]:
    """From the start of gunicorn to a PNG, against the libraries' import and the drawing."""
    models = folder / "models"
    models.mkdir()
    demo_variant(models / "demo.safetensors", 0)
    model_id = only_model_in(str(models)).id
    rounds = max(1, int(_ROUNDS * scale))
    seconds_to_picture(
        models, folder, model_id, seed=0
    )  # which leaves the file's hash in the cache
    ours, imports, drawings = [], [], []
    for number in range(rounds):
        ours.append(seconds_to_picture(models, folder, model_id, seed=number + 1))
        began = time.perf_counter()
        in_child(import_libraries, plain=True)
        imports.append(time.perf_counter() - began)
        drawings.append(in_child(seconds_to_draw, str(models), plain=True))
    imported, drawn = statistics.median(imports), statistics.median(drawings)
    yield Row(
        name="start",
        what=f"start of gunicorn to the first PNG, demo checkpoint, {_SIZE}x{_SIZE}, {_STEPS} "
        "steps",
        unit="s",
        ours=statistics.median(ours),
        plain=imported + drawn,
        plain_is="a process that imports torch and diffusers, and the drawing itself",
        bound=1.2,
        bound_of="ratio",
        judged=scale == 1,
        note=f"medians of {rounds}; the import {imported:.2f} s, the drawing with a pipeline that "
        f"has drawn before {drawn:.2f} s; the file's hash is known from an earlier start",
    )


def seconds_to_picture(models: Path, folder: Path, model_id: str, *, seed: int) -> float:
    """Time from the start of the process to the image; the request is repeated if it fails."""
    body = {
        "id": f"first {seed}",
        "model_id": model_id,
        "prompt": _PROMPT,
        "seed": seed,
        "width": _SIZE,
        "height": _SIZE,
        "num_inference_steps": _STEPS,
    }
    began = time.perf_counter()
    service = RunningService(service_environment(models), folder)
    try:
        while True:
            try:
                ask(service.url, body)
            except urllib.error.URLError as error:  # not listening yet, or the folder not scanned
                if time.perf_counter() - began > _PATIENCE_SECONDS:
                    raise RuntimeError(f"no picture: {error}; {service.output}") from error
                time.sleep(_POLL_SECONDS)
            else:
                return time.perf_counter() - began
    finally:
        service.stop()


def import_libraries() -> None:
    """Import what every program that draws with diffusers imports; runs in a child process."""
    import torch
    from diffusers import StableDiffusionPipeline

    assert torch.nn and StableDiffusionPipeline.__call__  # noqa: S101 - both are loaded lazily


def seconds_to_draw(folder: str) -> float:
    """Time a warm call of the tuned pipeline, to a PNG; runs in a child process."""
    import torch

    pipeline = diffusers_pipeline(only_model_in(folder), "tuned")
    seconds = 0.0
    for seed in range(2):
        began = time.perf_counter()
        with torch.inference_mode():
            (image,) = pipeline(
                _PROMPT,
                num_inference_steps=_STEPS,
                width=_SIZE,
                height=_SIZE,
                generator=torch.Generator("cpu").manual_seed(seed),
            ).images
        image.save(io.BytesIO(), "PNG")
        seconds = time.perf_counter() - began
    return seconds
