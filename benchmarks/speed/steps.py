"""How long a step and a decoding take with a network of real size."""

import itertools
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from application.settings.settings import Settings
from benchmarks.children import in_child
from benchmarks.memory import peak_bytes
from benchmarks.registry.files import demo_variant, random_checkpoint
from benchmarks.report import Row
from benchmarks.speed.diffusers import WAYS, diffusers_pipeline, only_model_in, step_times
from container import Container
from domain.errors import DeviceUnavailable
from domain.execution_plan import PlanOverrides
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily
from domain.ports.image_generator import GenerationStep

__all__ = ["can_draw_with", "steps"]

_STEPS = 4
_PROMPT = "a beautiful landscape with mountains and a lake"
_GUIDANCE = 7.5

_OURS: Mapping[str, Mapping[str, Any]] = {
    "torch": {},
    "openvino": {"backend": "openvino"},
    "openvino-int8": {"quantization": "int8"},
}
"""Ways of the service, and the settings that choose each."""
# The required ratio of the service to plain diffusers; OpenVINO is an extra.
_STEP_BOUNDS = {"torch": 1.75, "openvino": 2.6, "openvino-int8": 2.6}
_DECODE_BOUND = 2.2
_MEMORY_BOUND = 1.05


def steps(folder: Path, scale: float, *, rounds: int) -> Iterator[Row]:
    """Stable Diffusion 1.5 shapes, random weights, 512x512, by turns in `rounds` processes each."""
    models = folder / "models"
    models.mkdir()
    judged = scale == 1
    if judged:
        random_checkpoint(models / "random.safetensors", ModelFamily.SD_1, seed=1)
    else:
        demo_variant(models / "demo.safetensors", 0)
    ways = [name for name, settings in _OURS.items() if can_draw_with(settings)]
    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for way in WAYS:
            found.setdefault(way, []).append(in_child(by_diffusers, str(models), way, plain=True))
        for way in ways:
            found.setdefault(way, []).append(
                in_child(by_the_service, str(models), str(folder / f"data-{way}"), way)
            )
    plain, tuned = found["plain"], found["tuned"]
    for way in ways:
        yield from _rows(way, found[way], plain, tuned, judged=judged)


def can_draw_with(settings: Mapping[str, Any]) -> bool:
    """Return True if the service starts with these settings here."""
    from adapters.diffusion.devices.device import planned_device

    try:
        planned_device(PlanOverrides(**settings))
    except DeviceUnavailable:
        return False
    return True


def by_diffusers(folder: str, way: str) -> dict[str, Any]:
    """Return seconds per step and of the decoding, and peak memory; runs in a child process."""
    import torch

    pipeline = diffusers_pipeline(only_model_in(folder), way)
    times: list[float] = []
    with torch.inference_mode():
        pipeline(
            _PROMPT,
            num_inference_steps=_STEPS,
            guidance_scale=_GUIDANCE,
            width=512,
            height=512,
            generator=torch.Generator("cpu").manual_seed(1),
            callback_on_step_end=step_times(times, time.perf_counter),
        )
    return _figures(times, time.perf_counter(), str(pipeline.unet.dtype))


def by_the_service(folder: str, data: str, way: str) -> dict[str, Any]:
    """Return the same for the use case, in the service's environment; runs in a child process."""
    settings = Settings(model_dirs=(folder,), data_dir=data, **_OURS[way])
    container = Container(settings=settings)
    container.model_registry().refresh()
    (model,) = container.model_registry().models()
    times: list[float] = []

    def note(_step: GenerationStep) -> None:
        times.append(time.perf_counter())

    request = GenerationRequest(
        id="1",
        model_id=model.id,
        prompt=_PROMPT,
        num_inference_steps=_STEPS,
        guidance_scale=_GUIDANCE,
        seed=1,
    )
    encode = container.generate_images()(request, on_step=note).timings.encode
    return _figures(times, time.perf_counter() - encode, "default")


def _figures(times: list[float], ended: float, dtype: str) -> dict[str, Any]:
    apart = [later - earlier for earlier, later in itertools.pairwise(times)]
    return {
        "step": statistics.median(apart),
        "decode": ended - times[-1],
        "peak": peak_bytes(),
        "dtype": dtype.removeprefix("torch."),
    }


def _rows(
    way: str,
    ours: list[dict[str, Any]],
    plain: list[dict[str, Any]],
    tuned: list[dict[str, Any]],
    *,
    judged: bool,
) -> Iterator[Row]:
    suffix = "" if way == "torch" else f"-{way}"
    with_it = "" if way == "torch" else f", with {way}"
    note = (
        f"medians of {_STEPS - 1} steps after the first, the best of {len(ours)} new "
        "processes each, by turns"
    )
    for name, others, bound in (
        ("plain", plain, _STEP_BOUNDS[way]),
        ("tuned", tuned, 1 / 1.02),
    ):
        yield Row(
            name=f"step-{name}{suffix}",
            what=f"guided steps a second, SD 1.5 shapes, 512x512{with_it}",
            unit="1/s",
            ours=1 / _best(ours, "step"),
            plain=1 / _best(others, "step"),
            plain_is=f"diffusers {name}, {others[0]['dtype']}",
            bound=bound,
            bound_of="ratio",
            at_least=True,
            judged=judged,
            note=note,
        )
    if "quantization" not in _OURS[way]:  # which leaves the decoder unchanged
        yield Row(
            name=f"decode{suffix}",
            what=f"from the last step to the picture, SD 1.5 shapes, 512x512{with_it}",
            unit="1/s",
            ours=1 / _best(ours, "decode"),
            plain=1 / _best(plain, "decode"),
            plain_is="diffusers plain",
            bound=_DECODE_BOUND,
            bound_of="ratio",
            at_least=True,
            judged=judged,
            note=f"the VAE, and its pixels as bytes; diffusers tuned: "
            f"{1 / _best(tuned, 'decode'):.3g} 1/s",
        )
    yield Row(
        name=f"memory{suffix}",
        what=f"peak memory of loading and drawing, SD 1.5 shapes, 512x512{with_it}",
        unit="GB",
        ours=_best(ours, "peak") / 1e9,
        plain=_best(tuned, "peak") / 1e9,
        plain_is=f"diffusers tuned, {tuned[0]['dtype']}",
        bound=_MEMORY_BOUND,
        bound_of="ratio",
        judged=judged,
        note="resident pages of the process, including those of the mapped file",
    )


def _best(found: list[dict[str, Any]], figure: str) -> float:
    return float(min(each[figure] for each in found))
