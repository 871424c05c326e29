"""LoRA files with random numbers, in the layouts of trainers."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from domain.checkpoints.additions.network_modules import Network, NetworkModule
from domain.models.record import ModelKind, ModelRecord

__all__ = ["kohya_name", "lora_record", "low_rank", "random_tensors", "written"]

_KOHYA = {
    Network.UNET: "lora_unet_",
    Network.TEXT_ENCODER: "lora_te1_text_model_",
    Network.TEXT_ENCODER_2: "lora_te2_text_model_",
}


def kohya_name(module: NetworkModule) -> str:
    """Return the name that kohya's scripts write."""
    return _KOHYA[module.network] + module.name.replace(".", "_")


def random_tensors(
    shapes: Mapping[str, tuple[int, ...]], *, seed: int = 0, size: float = 0.05
) -> dict[str, Any]:
    """Return normal numbers of these shapes, in float32."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return {name: size * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def low_rank(
    modules: Iterable[NetworkModule],
    *,
    rank: int = 4,
    alpha: float | None = 2.0,
    seed: int = 0,
    size: float = 0.05,
) -> dict[str, Any]:
    """Return the tensors of kohya's LoRA of these modules."""
    import torch

    shapes: dict[str, tuple[int, ...]] = {}
    alphas = {}
    for module in modules:
        weight, name = module.weight, kohya_name(module)
        assert weight is not None
        shapes[f"{name}.lora_down.weight"] = (rank, *weight[1:])
        shapes[f"{name}.lora_up.weight"] = (weight[0], rank, *(1,) * (len(weight) - 2))
        if alpha is not None:
            alphas[f"{name}.alpha"] = torch.tensor(alpha)
    return random_tensors(shapes, seed=seed, size=size) | alphas


def written(
    path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> ModelRecord:
    """Write a file, and return its record."""
    import torch
    from safetensors.torch import save_file

    if path.suffix == ".safetensors":
        contiguous = {name: each.contiguous() for name, each in tensors.items()}
        save_file(contiguous, path, metadata=dict(metadata or {}))
    else:
        torch.save(dict(tensors), path)
    return lora_record(path)


def lora_record(path: Path) -> ModelRecord:
    """Return the record of a LoRA file. Its id is made of its name."""
    return ModelRecord(
        id=path.name.encode().hex().ljust(64, "0")[:64],
        name=path.name,
        size=path.stat().st_size,
        path=str(path),
        extension=path.suffix,
        kind=ModelKind.LORA,
    )
