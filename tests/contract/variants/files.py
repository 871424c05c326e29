"""Writes the networks of a pipeline as one file, in the names of the original code."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.models.record import ModelFamily, ModelRecord
from tools.demo_checkpoint.original_layout import unet_name, vae_name

__all__ = ["original_tensors", "save_file"]

_IN_LAYER = {
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
}


def save_file(
    path: Path, tensors: Mapping[str, Any], family: ModelFamily, **changes: Any
) -> ModelRecord:
    """Write a checkpoint, and return its record as the registry would make it."""
    from safetensors.torch import save_file as write

    write({name: each.contiguous() for name, each in tensors.items()}, str(path))
    return ModelRecord(
        id=hashlib.sha256(path.read_bytes()).hexdigest(),
        name=path.name,
        size=path.stat().st_size,
        path=str(path),
        extension=path.suffix,
        family=family,
        **changes,
    )


def original_tensors(parts: Mapping[str, Any], *, has_gaps: bool = False) -> dict[str, Any]:
    """Return the tensors of a pipeline's networks by the names of the original code.

    Args:
        parts: `unet`, `vae`, `text_encoder`, and `text_encoder_2` of XL; or `unet` alone.
        has_gaps: Whether the UNet's blocks count three numbers for each level, as diffusers' script
            for single files writes them.
    """
    tensors = _unet(parts["unet"], has_gaps)
    if "vae" not in parts:
        return tensors
    levels = len(parts["vae"].config.block_out_channels)
    for name, each in parts["vae"].state_dict().items():
        tensors[_attention(vae_name(name, levels=levels))] = each
    is_xl = "text_encoder_2" in parts
    first = parts["text_encoder"]
    place = "conditioner.embedders.0." if is_xl else "cond_stage_model."
    if first.config.hidden_act == "gelu":
        tensors |= _open_clip(f"{place}model.", first)
    else:
        for name, each in first.state_dict().items():
            bare = name.removeprefix("text_model.")
            tensors[f"{place}transformer.text_model.{bare}"] = each
    if is_xl:
        tensors |= _open_clip("conditioner.embedders.1.model.", parts["text_encoder_2"])
    return tensors


def _attention(name: str) -> str:
    for old, new in (
        ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_q", "mid.attn_1.q"),
        ("mid_block.attentions.0.to_k", "mid.attn_1.k"),
        ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
    ):
        name = name.replace(old, new)
    return name


def _unet(unet: Any, has_gaps: bool) -> dict[str, Any]:
    span = 2 if has_gaps else unet.config.layers_per_block
    levels = len(unet.config.block_out_channels)
    state = unet.state_dict()
    named: dict[str, Any] = {}
    for name, each in state.items():
        start, _, rest = name.partition(".upsamplers.0.")
        other = _outside(name)
        if other is not None:
            named[f"model.diffusion_model.{other}"] = each
        elif rest:
            level = int(start.rpartition(".")[2])
            attends = f"{start}.attentions.0.norm.weight" in state
            part = (1 if level == 0 else 2) if has_gaps else (2 if attends else 1)
            block = level * (span + 1) + span
            named[f"model.diffusion_model.output_blocks.{block}.{part}.{rest}"] = each
        else:
            named[unet_name(name, layers_per_block=span, levels=levels)] = each
    return named


def _outside(name: str) -> str | None:
    """Return the original name of a tensor that Stable Diffusion 1 does not have."""
    for new, old in (
        ("add_embedding.linear_1", "label_emb.0.0"),
        ("add_embedding.linear_2", "label_emb.0.2"),
        ("class_embedding.linear_1", "label_emb.0.0"),
        ("class_embedding.linear_2", "label_emb.0.2"),
        ("time_embedding.cond_proj", "time_embed.cond_proj"),
    ):
        if name.startswith(new):
            return name.replace(new, old)
    return None


def _open_clip(prefix: str, encoder: Any) -> dict[str, Any]:
    import torch

    state = {name.removeprefix("text_model."): each for name, each in encoder.state_dict().items()}
    named = {
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
    }
    if "text_projection.weight" in state:
        named["text_projection"] = state["text_projection.weight"].T
    for index in range(encoder.config.num_hidden_layers):
        layer, block = f"encoder.layers.{index}", f"transformer.resblocks.{index}"
        for kind in ("weight", "bias"):
            fused = [state[f"{layer}.self_attn.{each}_proj.{kind}"] for each in "qkv"]
            named[f"{block}.attn.in_proj_{kind}"] = torch.cat(fused)
            for new, old in _IN_LAYER.items():
                named[f"{block}.{old}.{kind}"] = state[f"{layer}.{new}.{kind}"]
    return {f"{prefix}{name}": each for name, each in named.items()}
