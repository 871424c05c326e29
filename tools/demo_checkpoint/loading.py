"""Load an exported checkpoint with diffusers alone, as the service does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from safetensors import safe_open

__all__ = ["load_pipeline"]


def load_pipeline(path: Path, dtype: torch.dtype = torch.float32) -> StableDiffusionPipeline:
    """Load a checkpoint written by write_bundle; its configuration comes from its own metadata."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in metadata.items():
            if name.endswith((".json", ".txt")):
                target = Path(folder, name)
                target.parent.mkdir(exist_ok=True)
                target.write_text(text, encoding="utf-8")
        pipeline = StableDiffusionPipeline.from_single_file(
            str(path), config=folder, local_files_only=True, torch_dtype=dtype
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
