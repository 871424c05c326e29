"""The cost of the text encoder when a prompt is repeated."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from application.settings.settings import Settings
from benchmarks.children import in_child
from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from benchmarks.speed.diffusers import diffusers_pipeline, only_model_in
from container import Container
from domain.generation.request import GenerationRequest

__all__ = ["prompts"]

_PROMPT = "a beautiful landscape with mountains and a lake"
_TIMES = 5


def prompts(folder: Path, scale: float) -> Iterator[Row]:
    """Seconds in the text encoder, for a prompt that was drawn before."""
    models = folder / "models"
    models.mkdir()
    demo_variant(models / "demo.safetensors", 0)
    ours = in_child(encoding_by_the_service, str(models), str(folder / "data"))
    plain = in_child(encoding_by_diffusers, str(models), plain=True)
    yield Row(
        name="prompts",
        what="time in the text encoder for a prompt that was drawn before",
        unit="ms",
        ours=1000 * ours["again"],
        plain=1000 * plain["again"],
        plain_is="diffusers called again with the same prompt",
        bound=0,
        bound_of="ours",
        judged=scale == 1,
        note=f"demo checkpoint, the mean of {_TIMES}; the first time {1000 * ours['first']:.1f} ms",
    )


def encoding_by_the_service(folder: str, data: str) -> dict[str, float]:
    """Time the use case; runs in a child process."""
    container = Container(settings=Settings(model_dirs=(folder,), data_dir=data))
    container.model_registry().refresh()
    (model,) = container.model_registry().models()

    def draw(seed: int) -> None:
        request = GenerationRequest(
            id=str(seed),
            model_id=model.id,
            prompt=_PROMPT,
            negative_prompt="trees",
            seed=seed,
            width=256,
            height=256,
            num_inference_steps=1,
        )
        container.generate_images()(request)

    return _timed(draw)


def encoding_by_diffusers(folder: str) -> dict[str, float]:
    """Time the pipeline called directly; runs in a child process."""
    pipeline = diffusers_pipeline(only_model_in(folder), "tuned")

    def draw(_seed: int) -> None:
        pipeline(_PROMPT, negative_prompt="trees", width=256, height=256, num_inference_steps=1)

    return _timed(draw)


def _timed(draw: Callable[[int], None]) -> dict[str, float]:
    """Return the seconds in text encoders at the first drawing, and the average of later ones."""
    from torch.nn.modules.module import (
        register_module_forward_hook,
        register_module_forward_pre_hook,
    )
    from transformers import CLIPTextModel

    spent, began = [0.0], [0.0]

    def before(module: Any, _arguments: Any) -> None:
        if isinstance(module, CLIPTextModel):
            began[0] = time.perf_counter()

    def after(module: Any, _arguments: Any, _output: Any) -> None:
        if isinstance(module, CLIPTextModel):
            spent[0] += time.perf_counter() - began[0]

    register_module_forward_pre_hook(before)
    register_module_forward_hook(after)
    draw(0)
    first, spent[0] = spent[0], 0.0
    for seed in range(1, _TIMES + 1):
        draw(seed)
    return {"first": first, "again": spent[0] / _TIMES}
