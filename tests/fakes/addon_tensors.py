"""Names and shapes of the demo checkpoint, and of add-ons that fit it."""

import json
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from domain.checkpoints.additions.unet_encoder import (
    diffusers_names,
    encoder_facts,
    encoder_tensors,
)
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unets.layers import layer
from domain.models.record import ModelKind
from tests.paths import ROOT

__all__ = ["addon_tensors", "demo_tensors"]

_UNET, _VAE = "model.diffusion_model.", "first_stage_model."
_ATTENTION = "input_blocks.3.1.transformer_blocks.0.attn1.to_q"
_WORDS = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"
_HINT_WIDTHS = (16, 32, 96, 256)


@cache
def demo_tensors() -> Mapping[str, TensorFacts]:
    """Return the type and the shape of each tensor of the demo checkpoint."""
    with (ROOT / "ai-models" / "demo.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {
        name: TensorFacts("float16", tuple(facts["shape"]))
        for name, facts in header.items()
        if name != "__metadata__"
    }


@cache
def addon_tensors(kind: ModelKind) -> Mapping[str, TensorFacts]:
    """Return the tensors of an add-on of this kind that fits the demo checkpoint."""
    made: Mapping[str, tuple[int, ...]] = {
        ModelKind.LORA: _lora,
        ModelKind.EMBEDDING: _embedding,
        ModelKind.VAE: _vae,
        ModelKind.CONTROLNET: _controlnet,
    }[kind]()
    return {name: TensorFacts("float32", shape) for name, shape in made.items()}


def _lora() -> dict[str, tuple[int, ...]]:
    out, into = demo_tensors()[f"{_UNET}{_ATTENTION}.weight"].shape
    name = f"lora_unet_{_ATTENTION.replace('.', '_')}"
    return {f"{name}.lora_down.weight": (4, into), f"{name}.lora_up.weight": (out, 4)}


def _embedding() -> dict[str, tuple[int, ...]]:
    return {"emb_params": (2, demo_tensors()[_WORDS].shape[1])}


def _vae() -> dict[str, tuple[int, ...]]:
    return {
        name.removeprefix(_VAE): facts.shape
        for name, facts in demo_tensors().items()
        if name.startswith(_VAE)
    }


def _controlnet() -> dict[str, tuple[int, ...]]:
    unet = {
        name.removeprefix(_UNET): facts
        for name, facts in demo_tensors().items()
        if name.startswith(_UNET)
    }
    encoder = encoder_facts({new: unet[old] for old, new in diffusers_names(unet).items()})
    found = dict(encoder_tensors(encoder))
    hint = "controlnet_cond_embedding"
    found |= dict(layer(f"{hint}.conv_in", _HINT_WIDTHS[0], 3, 3, 3))
    for number, (width, after) in enumerate(pairwise(_HINT_WIDTHS)):
        found |= dict(layer(f"{hint}.blocks.{2 * number}", width, width, 3, 3))
        found |= dict(layer(f"{hint}.blocks.{2 * number + 1}", after, width, 3, 3))
    found |= dict(layer(f"{hint}.conv_out", encoder.widths[0], _HINT_WIDTHS[-1], 3, 3))
    for number, width in enumerate(encoder.skips):
        found |= dict(layer(f"controlnet_down_blocks.{number}", width, width, 1, 1))
    last = encoder.widths[-1]
    return found | dict(layer("controlnet_mid_block", last, last, 1, 1))
