"""What a LoRA costs: a step with one, and the first use of a file of 150 MB."""

import itertools
import statistics
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from application.settings.settings import Settings
from benchmarks.children import in_child
from benchmarks.registry.files import models_in, random_checkpoint
from benchmarks.report import Row
from benchmarks.speed.diffusers import diffusers_pipeline
from container import Container
from domain.checkpoints.additions.network_modules import NetworkModule, NetworkModules
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.generation.parts import Lora
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelKind
from domain.services.drawing_watchers import GenerationStep

__all__ = ["loras"]

_RANK = 128
"""The rank with which kohya's scripts write 150 MB for Stable Diffusion 1, in float16."""
_STEPS = 4
_SIDE = 256
"""Pixels of each side. In a larger picture the weights take a smaller share of a step."""
_ROUNDS = 2
_STEP_BOUND, _READING_BOUND = 1.02, 1.3


def loras(folder: Path, scale: float) -> Iterator[Row]:
    """Stable Diffusion 1.5 shapes and a LoRA of rank 128, random weights."""
    models = folder / "models"
    models.mkdir()
    random_checkpoint(models / "random.safetensors", ModelFamily.SD_1, seed=1)
    path = models / "lora.safetensors"
    random_lora(path, _RANK if scale == 1 else 4)
    size = path.stat().st_size / 1e6
    reading = in_child(by_reading, str(path), plain=True)
    ours = in_child(by_the_service, str(models), str(folder / "data"))
    theirs = in_child(by_diffusers, str(models), plain=True)
    yield Row(
        name="lora-step",
        what="a guided step with a LoRA, SD 1.5 shapes, 256x256",
        unit="s",
        ours=ours["step"],
        plain=ours["plain step"],
        plain_is="the service without a LoRA",
        bound=_STEP_BOUND,
        bound_of="ratio",
        judged=scale == 1,
        note=f"medians of {_ROUNDS * (_STEPS - 1)} steps, in one process, by turns",
    )
    yield Row(
        name="lora-load",
        what=f"load a LoRA of {size:.0f} MB, proven and checked for NaN",
        unit="s",
        ours=ours["load"],
        plain=reading["seconds"],
        plain_is="safetensors reads it and copies each tensor",
        bound=_READING_BOUND,
        bound_of="ratio",
        judged=scale == 1,
        note="the file is in the page cache",
    )
    yield Row(
        name="lora-first-use",
        what=f"load a LoRA of {size:.0f} MB and merge it into SD 1.5's weights",
        unit="s",
        ours=ours["first use"],
        plain=theirs["first use"],
        plain_is="diffusers and PEFT load it and fuse it",
        bound=1,
        bound_of="ratio",
        judged=scale == 1,
        note=f"reading alone takes {reading['seconds']:.2f} s; used again it takes "
        f"{1000 * ours['again']:.0f} ms",
    )


def random_lora(path: Path, rank: int) -> None:
    """Write kohya's LoRA of all attentions and feed-forward layers, in float16."""
    import torch
    from safetensors.torch import save_file

    parts = checkpoint_parts(ModelFamily.SD_1)
    shapes = {name: shape for part in parts.values() for name, shape in part.items()}
    facts = {name: TensorFacts("float16", shape) for name, shape in shapes.items()}
    generator = torch.Generator().manual_seed(2)
    tensors: dict[str, Any] = {}
    for module in filter(_is_changed, NetworkModules.of_checkpoint(facts)):
        weight = module.weight or ()
        name = ("lora_unet_" if module.network == "unet" else "lora_te_text_model_") + (
            module.name.replace(".", "_")
        )
        ones = (1,) * (len(weight) - 2)
        for side, shape in (("down", (rank, *weight[1:])), ("up", (weight[0], rank, *ones))):
            numbers = torch.randn(shape, generator=generator) * 1e-3
            tensors[f"{name}.lora_{side}.weight"] = numbers.half()
        tensors[f"{name}.alpha"] = torch.tensor(float(rank))
    save_file(tensors, path)


def _is_changed(module: NetworkModule) -> bool:
    """Tell whether kohya's scripts change the module by default."""
    is_matrix = len(module.weight or ()) > 1
    parts = ("attn", "ff.net", "proj_in", "proj_out", "mlp")
    return is_matrix and any(part in module.name for part in parts)


def by_reading(path: str) -> dict[str, float]:
    """Return the seconds to read a file into memory of its own; runs in a child process."""
    from safetensors.torch import load_file

    load_file(path)  # so that the file is in the page cache, and the library is loaded
    began = time.perf_counter()
    tensors = {name: each.clone() for name, each in load_file(path).items()}
    seconds = time.perf_counter() - began
    del tensors
    return {"seconds": seconds}


def by_the_service(folder: str, data: str) -> dict[str, float]:
    """Return the seconds of steps and of the first use; runs in a child process."""
    from adapters.diffusion.additions.lora.loading import load_lora
    from adapters.diffusion.devices.device import find_device

    container = Container(settings=Settings(model_dirs=(folder,), data_dir=data))
    container.model_registry().refresh()
    models = {each.kind: each for each in container.model_registry().models()}
    checkpoint, lora = models[ModelKind.CHECKPOINT], models[ModelKind.LORA]
    steps: dict[bool, list[float]] = {False: [], True: []}
    loads: dict[bool, list[float]] = {False: [], True: []}
    for number, with_lora in enumerate([False, True] * _ROUNDS):
        times: list[float] = []

        def note(_step: GenerationStep, times: list[float] = times) -> None:
            times.append(time.perf_counter())

        request = GenerationRequest(
            id=str(number),
            model_id=checkpoint.id,
            prompt="a beautiful landscape with mountains and a lake",
            num_inference_steps=_STEPS,
            seed=number,
            width=_SIDE,
            height=_SIDE,
            loras=(Lora(model_id=lora.id),) if with_lora else (),
        )
        drawn = container.generate_images()(request, on_step=note)
        loads[with_lora].append(drawn.timings.load)
        steps[with_lora] += [later - earlier for earlier, later in itertools.pairwise(times)]
    device = find_device()
    began = time.perf_counter()
    load_lora(lora, device)
    return {
        "plain step": statistics.median(steps[False]),
        "step": statistics.median(steps[True]),
        "first use": loads[True][0],
        "again": loads[True][-1],
        "load": time.perf_counter() - began,
    }


def by_diffusers(folder: str) -> dict[str, float]:
    """Return the seconds until diffusers could draw with the LoRA; runs in a child process."""
    models = {each.kind: each for each in models_in(Path(folder))}
    pipeline = diffusers_pipeline(models[ModelKind.CHECKPOINT], "tuned")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        pipeline.load_lora_weights(models[ModelKind.LORA].path, adapter_name="it")
        pipeline.fuse_lora()
        pipeline.unload_lora_weights()
        return {"first use": time.perf_counter() - began}
