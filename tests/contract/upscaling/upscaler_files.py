"""Upscalers with random weights, as files and loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.filesystem.headers.reading import TensorFacts
from domain.generation.raster import Raster
from domain.models.record import ModelKind, ModelRecord

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from adapters.diffusion.devices.device import Device
    from adapters.diffusion.upscaling.upscaler import Upscaler
    from domain.checkpoints.upscalers import UpscalerNetwork

__all__ = ["array", "drawing", "random_upscaler", "random_weights", "record", "saved"]


def random_weights(
    tensors: Mapping[str, TensorFacts], seed: int = 0, *, gain: float = 0.6
) -> "dict[str, torch.Tensor]":
    """Return tensors of these shapes and types, which keep signals at about one size."""
    import torch

    torch.manual_seed(seed)
    weights = {}
    for name, facts in tensors.items():
        values = torch.randn(facts.shape)
        if len(facts.shape) > 1:
            values *= gain / max(values[0].numel(), 1) ** 0.5
        else:
            values *= 0.1
        weights[name] = values.to(getattr(torch, facts.dtype))
    return weights


def saved(folder: Path, weights: "Mapping[str, torch.Tensor]", name: str) -> ModelRecord:
    """Write an upscaler as its name says, and return its record."""
    import safetensors.torch
    import torch

    path = folder / name
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(dict(weights), path)
    else:
        tables: dict[str, dict[str, torch.Tensor]] = {}
        for full, tensor in weights.items():
            table, _, own = full.partition(".")
            tables.setdefault(table, {})[own] = tensor
        is_table = set(tables) <= {"params", "params_ema"}
        torch.save(tables if is_table else dict(weights), path)
    return record(path)


def record(path: Path, model_id: str = "ab" * 32) -> ModelRecord:
    return ModelRecord(
        model_id,
        path.name,
        path.stat().st_size,
        str(path),
        path.suffix,
        kind=ModelKind.UPSCALER,
        is_companion=True,
        reason="it is an upscaler",
    )


def random_upscaler(facts: "UpscalerNetwork", device: "Device", seed: int = 0) -> "Upscaler":
    """Return a loaded upscaler whose result fills the range of pixels."""
    import torch

    from adapters.diffusion.upscaling.networks import build_network
    from adapters.diffusion.upscaling.upscaler import Upscaler

    torch.manual_seed(seed)
    network = build_network(facts).eval().requires_grad_(False)
    last = [each for each in network.modules() if isinstance(each, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        found = network(torch.rand(1, 3, 64, 64))
        factor = 0.3 / found.std()
        last.weight *= factor
        last.bias *= factor
        last.bias += 0.5 - found.mean() * factor
    return Upscaler("random", facts, network, device)


def drawing(width: int, height: int, seed: int = 5) -> Raster:
    """Return a landscape with many edges."""
    import numpy as np

    from tools.demo_checkpoint.pictures import draw, random_scene

    scene = random_scene(np.random.default_rng(seed), flat_share=0)
    side = max(width, height, 64)
    pixels = draw(scene, width=side, height=side)[:height, :width]
    return Raster(width, height, pixels.tobytes())


def array(raster: Raster) -> "NDArray[np.int64]":
    """Return the pixels, (height, width, 3)."""
    import numpy as np

    pixels = np.frombuffer(raster.pixels, dtype=np.uint8)
    return pixels.reshape(raster.height, raster.width, 3).astype(np.int64)
