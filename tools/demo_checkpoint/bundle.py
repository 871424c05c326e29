"""The one file that is the whole model: float16 weights, and the configuration in the metadata."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel

from tools.demo_checkpoint.captions.phrases import known_words
from tools.demo_checkpoint.captions.vocabulary import tokenizer_files
from tools.demo_checkpoint.networks import SCHEDULER_CONFIG
from tools.demo_checkpoint.original_layout import (
    text_encoder_name,
    to_original,
    unet_name,
    vae_name,
)

__all__ = ["write_bundle"]

_MODEL_INDEX: Final[dict[str, Any]] = {
    "_class_name": "StableDiffusionPipeline",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}

# Keys of the «modelspec» metadata standard that model managers read.
_SPEC: Final = {
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.title": "Demo: flat shapes and landscapes",
    "modelspec.architecture": "stable-diffusion-v1",
    "modelspec.implementation": "https://github.com/huggingface/diffusers",
    "modelspec.license": "CC0-1.0",
    "modelspec.resolution": "256x256",
    "modelspec.prediction_type": "epsilon",
}


def write_bundle(
    path: Path, *, vae: AutoencoderKL, unet: UNet2DConditionModel, text_encoder: CLIPTextModel
) -> None:
    """Write the checkpoint in the original single-file layout.

    The metadata holds the files that a diffusers folder would have, by their path in it; they say
    what the weights alone do not: block sizes, the latents' scale, the vocabulary.
    """
    vae_rename = partial(vae_name, levels=len(vae.config.block_out_channels))
    unet_rename = partial(
        unet_name,
        layers_per_block=unet.config.layers_per_block,
        levels=len(unet.config.block_out_channels),
    )
    weights = to_original(unet.state_dict(), unet_rename)
    weights |= to_original(vae.state_dict(), vae_rename)
    weights |= to_original(text_encoder.state_dict(), text_encoder_name)
    halved = {name: value.to(torch.float16).contiguous() for name, value in weights.items()}

    files = {
        "model_index.json": _json(_MODEL_INDEX),
        "unet/config.json": _json(dict(unet.config)),
        "vae/config.json": _json(dict(vae.config)),
        "text_encoder/config.json": text_encoder.config.to_json_string(use_diff=False),
        "scheduler/scheduler_config.json": _json(SCHEDULER_CONFIG),
    }
    files |= {f"tokenizer/{name}": text for name, text in tokenizer_files(known_words()).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(halved, path, metadata=files | _SPEC)


def _json(config: dict[str, Any]) -> str:
    # Private keys, except the class's name, describe this machine's versions and paths, not the
    # model.
    public = {
        key: value
        for key, value in config.items()
        if not key.startswith("_") or key == "_class_name"
    }
    return json.dumps(public, indent=2, sort_keys=True)
