"""Files of textual inversions, as the tools write them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.models.record import ModelKind, ModelRecord

__all__ = ["a1111_pt", "diffusers_bin", "record", "safetensors_file", "vectors"]


def vectors(count: int, width: int, seed: int = 0, scale: float = 0.1) -> Any:
    """Return random vectors (count, width)."""
    import torch

    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) * scale


def a1111_pt(path: Path, rows: Any) -> Path:
    """Write a file as AUTOMATIC1111's web UI does."""
    import torch

    torch.save(
        {
            "string_to_token": {"*": 265},
            "string_to_param": {"*": rows},
            "name": path.stem,
            "step": 1000,
            "sd_checkpoint": "59a147e6c8",
            "sd_checkpoint_name": "demo",
        },
        path,
    )
    return path


def diffusers_bin(path: Path, word: str, rows: Any) -> Path:
    """Write a file as diffusers' script for textual inversion does."""
    import torch

    torch.save({word: rows}, path)
    return path


def safetensors_file(path: Path, tensors: Mapping[str, Any]) -> Path:
    """Write these tensors."""
    from safetensors.torch import save_file

    save_file(dict(tensors), path)
    return path


def record(path: Path) -> ModelRecord:
    """Return the record of a file, as the registry lists it."""
    return ModelRecord(
        id=hashlib.sha256(path.read_bytes()).hexdigest(),
        name=path.name,
        size=path.stat().st_size,
        path=str(path),
        extension=path.suffix,
        kind=ModelKind.EMBEDDING,
    )
