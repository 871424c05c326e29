"""The overhead of the service over the pipeline that it draws with."""

import base64
import io
import itertools
import json
import operator
import statistics
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.children import in_child
from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from benchmarks.speed.diffusers import diffusers_pipeline, only_model_in
from tests.e2e.service import API_KEY, run_service

__all__ = ["clients", "overhead"]

_REQUESTS = 20
_STEPS = 20
_SIZE = 256
_CLIENTS = 16
_PROMPTS = ("a red circle on a white background", "a lake at night", "mountains at sunset")
_ALIKE = 2.0  # of 255, on average: the difference that rounding of the last bits makes


def overhead(folder: Path, scale: float) -> Iterator[Row]:
    """`/v1/infer` of the real gunicorn against the tuned pipeline in the client's own process."""
    models = _demo(folder)
    count = max(2, int(_REQUESTS * scale))
    with run_service(models, folder) as service:
        found = in_child(seconds_by_turns, service.url, str(models), count)
    direct = statistics.median(found["direct"])
    # A shared machine is slow for seconds at a time: then both ways of a request are slow alike.
    of_pairs = statistics.median(map(operator.truediv, found["service"], found["direct"]))
    yield Row(
        name="overhead",
        what=f"wall time of /v1/infer, demo checkpoint, {_SIZE}x{_SIZE}, {_STEPS} steps",
        unit="s",
        ours=direct * of_pairs,
        plain=direct,
        plain_is="the same tuned pipeline called directly, its picture saved as PNG",
        bound=1.02,
        bound_of="ratio",
        judged=scale == 1,
        note=f"{count} requests both ways, by turns, each with another prompt and seed: the median "
        "of the others, and that of the ratios; the service knows the encoding of the empty "
        "negative prompt after the first; all of ours took "
        f"{sum(found['service']):.1f} s, all of the others {sum(found['direct']):.1f} s; the "
        f"pictures of both differ by {found['apart']:.2f} of 255",
    )


def seconds_by_turns(url: str, folder: str, count: int) -> dict[str, Any]:
    """Return the seconds of each way for each request; raises RuntimeError if images differ."""
    import numpy as np
    import torch
    from PIL import Image

    from adapters.diffusion.attention.chunked import attend_in_chunks
    from adapters.diffusion.devices.device import find_device

    model = only_model_in(folder)
    pipeline = diffusers_pipeline(model, "tuned")
    if find_device().plan.attention == "chunked":
        attend_in_chunks(pipeline.unet)  # this compares everything around the pipeline
    seconds: dict[str, list[float]] = {"service": [], "direct": []}

    def service(prompt: str, seed: int) -> bytes:
        began = time.perf_counter()
        answer = ask(url, _body(model.id, prompt, seed))
        data = base64.b64decode(answer["images"][0]["base64"])
        seconds["service"].append(time.perf_counter() - began)
        return data

    def direct(prompt: str, seed: int) -> bytes:
        began = time.perf_counter()
        with torch.inference_mode():
            (image,) = pipeline(
                prompt,
                num_inference_steps=_STEPS,
                guidance_scale=7.5,
                width=_SIZE,
                height=_SIZE,
                generator=torch.Generator("cpu").manual_seed(seed),
            ).images
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)  # the same as the service
        seconds["direct"].append(time.perf_counter() - began)
        return file.getvalue()

    apart: list[float] = []
    prompts = itertools.cycle(_PROMPTS)
    for seed in range(count + 1):
        prompt = f"{next(prompts)}, number {seed}"  # which has not been encoded before
        ways = (service, direct) if seed % 2 else (direct, service)
        one, other = (
            np.asarray(Image.open(io.BytesIO(way(prompt, seed)))).astype(float) for way in ways
        )
        apart.append(float(abs(one - other).mean()))
    if max(apart) > _ALIKE:
        raise RuntimeError(f"a picture differs by {max(apart):.2f} of 255 from the other way's")
    # The first request of each way warms it up.
    return {way: each[1:] for way, each in seconds.items()} | {"apart": max(apart)}


def clients(folder: Path, scale: float) -> Iterator[Row]:
    """Sixteen clients at once; on a CPU, where a batch saves nothing, only that nothing is lost."""
    models = _demo(folder)
    count = max(2, int(_CLIENTS * scale))
    model = only_model_in(str(models))
    with run_service(models, folder, DEVICE="auto") as service:
        device = service.call("GET", "/v1/health").json["device"]

        def draw(seed: int) -> None:
            ask(service.url, _body(model.id, "a lake at night", seed))

        for seed in range(count, 2 * count):  # doubling finds the largest batch
            with ThreadPoolExecutor(count) as pool:
                list(pool.map(draw, range(100 * seed, 100 * seed + count)))
            if device == "cpu":
                break
        began = time.perf_counter()
        for seed in range(count):
            draw(seed)
        alone = time.perf_counter() - began
        began = time.perf_counter()
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(draw, range(1000, 1000 + count)))
        together = time.perf_counter() - began
    yield Row(
        name="clients",
        what=f"pictures a second of {count} clients, demo checkpoint, {_SIZE}x{_SIZE}, {_STEPS} "
        "steps",
        unit="1/s",
        ours=count / together,
        plain=count / alone,
        plain_is="one after another",
        bound=4.0 if device == "cuda" else 1.0,
        bound_of="ratio",
        at_least=True,
        judged=scale == 1 and device == "cuda",
        note=f"on {device}; judged on CUDA only",
    )


def ask(url: str, body: dict[str, Any]) -> Any:
    """Return the answer of `/v1/infer`. Raises urllib.error.HTTPError."""
    request = urllib.request.Request(  # noqa: S310 - a service on this machine
        f"{url}/v1/infer",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return json.load(response)


def _body(model_id: str, prompt: str, seed: int) -> dict[str, Any]:
    return {
        "id": f"{seed} {prompt}",
        "model_id": model_id,
        "prompt": prompt,
        "seed": seed,
        "width": _SIZE,
        "height": _SIZE,
        "num_inference_steps": _STEPS,
        "guidance_scale": 7.5,
    }


def _demo(folder: Path) -> Path:
    models = folder / "models"
    models.mkdir()
    demo_variant(models / "demo.safetensors", 0)
    return models
