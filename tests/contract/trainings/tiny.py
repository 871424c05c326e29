"""Tiny models that say in different places how they were trained, and what diffusers draws."""

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from adapters.filesystem.model_source import FilesystemModelSource
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import MODELS
from tests.contract.from_pictures.drawing import Files, draw, one_by_one

__all__ = [
    "GUIDANCE",
    "PROMPT",
    "STEPS",
    "drawn",
    "latents_of_diffusers",
    "listed",
    "of_diffusers",
    "save_file",
    "save_folder",
    "seeded",
    "with_scheduler",
]

STEPS, GUIDANCE, SEED = 2, 3.0, 5
PROMPT = "a red circle"
_SIDE = 256


@cache
def _networks() -> Mapping[str, Any]:
    """Return the tiny networks of Stable Diffusion 1, with random weights that stay the same."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    tokens = len(_tokenizer())
    torch.manual_seed(0)
    return {
        "unet": UNet2DConditionModel(
            sample_size=32,
            block_out_channels=(16, 32),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=8,
            norm_num_groups=8,
        ),
        "vae": AutoencoderKL(
            block_out_channels=(8, 16, 16, 16),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=4,
            mid_block_add_attention=False,
            sample_size=256,
        ),
        "text_encoder": CLIPTextModel(
            CLIPTextConfig(
                vocab_size=tokens,
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                bos_token_id=tokens - 2,
                eos_token_id=tokens - 1,
                pad_token_id=tokens - 1,
            )
        ),
    }


@cache
def _tokenizer() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline
    from tests.contract.conftest import DEMO_MODEL

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32")).tokenizer


def save_folder(folder: Path) -> Path:
    """Return a tiny folder of Stable Diffusion 1 with random weights."""
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    StableDiffusionPipeline(
        **_networks(),
        tokenizer=_tokenizer(),
        scheduler=DPMSolverMultistepScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def with_scheduler(plain: Path, folder: Path, name: str, options: Mapping[str, object]) -> Path:
    """Return a copy of a folder with another scheduler."""
    shutil.copytree(plain, folder)
    told = {"_class_name": name, **options}
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(told), "utf-8")
    index = folder / "model_index.json"
    table = json.loads(index.read_text("utf-8")) | {"scheduler": ["diffusers", name]}
    index.write_text(json.dumps(table), "utf-8")
    return folder


def save_file(
    path: Path,
    *,
    tensors: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    beside: str | None = None,
) -> Path:
    """Return the tiny networks in one file, with further tensors and metadata, and a YAML beside.

    The configuration is embedded, as in the demo checkpoint.
    """
    from safetensors import safe_open
    from safetensors.torch import load_file
    from safetensors.torch import save_file as save

    from tools.demo_checkpoint.bundle import write_bundle

    write_bundle(path, **_networks())
    with safe_open(path, framework="pt") as file:
        told = file.metadata()
    save(load_file(path) | dict(tensors or {}), path, told | dict(metadata or {}))
    if beside is not None:
        path.with_suffix(".yaml").write_text(beside, "utf-8")
    return path


def listed(path: Path) -> ModelRecord:
    """Return the record of the one model in a folder, as the service lists it."""
    source = FilesystemModelSource([str(path)], settle_seconds=0)
    registry = ModelRegistry(source)
    try:
        registry.refresh()
        (record,) = registry.models()
    finally:
        registry.close()
    return record


def drawn(generator: Any, model: ModelRecord, files: Files | None = None, **changes: Any) -> Any:
    """Return the picture of a model, (height, width, 3), in levels of 255."""
    values: dict[str, Any] = {"prompt": PROMPT, "seed": SEED, "model_id": model.id}
    values |= {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE}
    request = demo_request(**(values | changes))
    MODELS.put(model, model.id)
    (picture,) = one_by_one(draw(generator, [request], files or Files(), model=model))
    return picture


def seeded() -> Any:
    import torch

    return torch.Generator().manual_seed(SEED)


def of_diffusers(pipeline: Any, **changes: Any) -> np.ndarray:
    """Return the picture of a pipeline of diffusers for the same request."""
    return np.asarray(255 * _called(pipeline, output_type="np", **changes)[0])


def latents_of_diffusers(pipeline: Any) -> Any:
    """Return the latents of that picture, (1, channels, height / 8, width / 8)."""
    return _called(pipeline, output_type="latent")


def _called(pipeline: Any, **changes: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    values: dict[str, Any] = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE}
    values |= {"prompt": PROMPT}
    if "image" not in changes:
        values |= {"width": _SIDE, "height": _SIDE}
    return pipeline(generator=seeded(), **(values | changes)).images
