"""How far each fast path is from diffusers in float32, in pixels and in the judge's score."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from application.settings.settings import Settings
from benchmarks.children import in_child
from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from benchmarks.speed.diffusers import diffusers_pipeline, only_model_in
from benchmarks.speed.steps import can_draw_with
from container import Container
from domain.generation.request import GenerationRequest

__all__ = [
    "PATHS",
    "FastPath",
    "draw_by_diffusers",
    "draw_by_the_service",
    "fidelity",
    "fidelity_of",
]

_QUESTIONS = 40
_STEPS = 20
_SIZE = 256
_JUDGE_POINTS = 5.0
"""Points of 100 that a fast path may lose before the judge. One picture of forty is 2.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FastPath:
    """A way to draw that is faster than float32 somewhere.

    Attributes:
        settings: The settings that choose it.
        apart: Largest mean absolute difference of pixels, of 255.
    """

    settings: Mapping[str, Any]
    apart: float


PATHS: Mapping[str, FastPath] = {
    "auto": FastPath(settings={}, apart=1.5),
    "bfloat16": FastPath(settings={"dtype": "bfloat16"}, apart=1.5),
    "openvino": FastPath(settings={"backend": "openvino", "dtype": "float32"}, apart=0.05),
    "openvino-bfloat16": FastPath(settings={"backend": "openvino", "dtype": "bfloat16"}, apart=1.5),
    "openvino-int8": FastPath(settings={"quantization": "int8"}, apart=1.5),
}


def fidelity(folder: Path, scale: float) -> Iterator[Row]:
    """Each fast path over the same questions and seeds as the reference."""
    models = folder / "models"
    models.mkdir()
    demo_variant(models / "demo.safetensors", 0)
    count = max(2, int(_QUESTIONS * scale))
    reference = folder / "float32"
    reference.mkdir()
    in_child(draw_by_diffusers, str(models), str(reference), count)
    for name, path in PATHS.items():
        if not can_draw_with(path.settings):
            continue
        drawn = folder / name
        drawn.mkdir()
        in_child(draw_by_the_service, str(models), str(drawn), name, count)
        yield from _rows(name, path, fidelity_of(drawn, reference, count), count, scale == 1)


def fidelity_of(drawn: Path, reference: Path, count: int) -> dict[str, float]:
    """Return the mean absolute difference, of 255, and both shares of right images, of 100."""
    import numpy as np
    from PIL import Image

    apart, right, right_there = [], 0, 0
    for number, question in enumerate(_questions(count)):
        one, other = (
            Image.open(folder / f"{number}.png").convert("RGB") for folder in (drawn, reference)
        )
        apart.append(float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean()))
        right += _is_right(question, one)
        right_there += _is_right(question, other)
    return {
        "apart": sum(apart) / count,
        "worst": max(apart),
        "right": 100 * right / count,
        "reference": 100 * right_there / count,
    }


def draw_by_diffusers(folder: str, output: str, count: int, steps: int = _STEPS) -> None:
    """Draw the reference with diffusers in float32; runs in a child process."""
    import torch

    pipeline = diffusers_pipeline(only_model_in(folder), "plain")
    for number, question in enumerate(_questions(count)):
        (image,) = pipeline(
            question.prompt,
            num_inference_steps=steps,
            guidance_scale=7.5,
            width=_SIZE,
            height=_SIZE,
            generator=torch.Generator("cpu").manual_seed(question.seed),
        ).images
        image.save(Path(output, f"{number}.png"))


def draw_by_the_service(
    folder: str, output: str, path: str, count: int, steps: int = _STEPS
) -> None:
    """Draw the same through the use case with that path's settings; runs in a child process."""
    settings = Settings(
        model_dirs=(folder,), data_dir=str(Path(output, "data")), **PATHS[path].settings
    )
    container = Container(settings=settings)
    container.model_registry().refresh()
    (model,) = container.model_registry().models()
    for number, question in enumerate(_questions(count)):
        request = GenerationRequest(
            id=str(number),
            model_id=model.id,
            prompt=question.prompt,
            num_inference_steps=steps,
            guidance_scale=7.5,
            width=_SIZE,
            height=_SIZE,
            seed=question.seed,
        )
        container.generate_images()(request).images[0].save(Path(output, f"{number}.png"))


def _questions(count: int) -> list[Any]:
    from tools.demo_checkpoint.evaluate import flat_questions

    return flat_questions(count, seen=True)


def _is_right(question: Any, image: Any) -> bool:
    verdict = question.verdict(image)
    return bool(verdict.colour and verdict.background and verdict.shape)


def _rows(
    name: str, path: FastPath, found: dict[str, float], count: int, judged: bool
) -> Iterator[Row]:
    yield Row(
        name=f"fidelity-{name}",
        what=f"mean absolute difference of pixels, {name}",
        unit="of 255",
        ours=found["apart"],
        plain=0,
        plain_is="diffusers in float32",
        bound=path.apart,
        bound_of="ours",
        judged=judged,
        note=f"demo checkpoint, {count} pictures; the worst {found['worst']:.1f}",
    )
    yield Row(
        name=f"judged-{name}",
        what=f"pictures right in colour, background and shape, {name}",
        unit="%",
        ours=found["right"],
        plain=found["reference"],
        plain_is="diffusers in float32",
        bound=found["reference"] - _JUDGE_POINTS,
        bound_of="ours",
        at_least=True,
        judged=judged,
        note=f"the same {count} pictures; the bound is {_JUDGE_POINTS:g} points below float32",
    )
