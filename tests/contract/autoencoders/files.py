"""Autoencoders as files, in every layout."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain.models.record import ModelKind, ModelRecord
from tests.contract.control.files import save_tensors
from tests.contract.drawing.generating import MODELS

__all__ = ["LAYOUTS", "in_layout", "new_vae", "save_vae"]

LAYOUTS = ("diffusers", "old diffusers", "original", "original with a prefix")
_RESIDUAL = {"conv_shortcut": "nin_shortcut"}
_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
_OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def new_vae(like: Any, *, seed: int = 4, **changes: Any) -> Any:
    """Return an autoencoder with the weights of `like`, each a little different."""
    import diffusers
    import torch

    noise = torch.Generator("cpu").manual_seed(seed)
    vae = diffusers.AutoencoderKL.from_config(dict(like.config) | changes)
    with torch.no_grad():
        if not changes:
            vae.load_state_dict(like.state_dict())
        for each in vae.parameters():
            each.add_(torch.randn(each.shape, generator=noise) * 0.2 * each.abs().mean())
    return vae.eval()


def in_layout(vae: Any, layout: str) -> dict[str, Any]:
    """Return the tensors of an autoencoder by the names of a layout."""
    state = dict(vae.state_dict())
    if layout == "diffusers":
        return state
    if layout == "old diffusers":
        return {
            name if "attentions" not in name else _replaced(name, _OLD): each
            for name, each in state.items()
        }
    prefix = "first_stage_model." if layout == "original with a prefix" else ""
    last = len(vae.config.block_out_channels) - 1
    return {
        prefix + _original(name, last): (
            each[:, :, None, None] if "attentions" in name and each.ndim == 2 else each
        )
        for name, each in state.items()
    }


def _replaced(name: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        name = re.sub(rf"(?<=\.){re.escape(old)}(?=\.)", new, name)
    return name


def _original(name: str, last: int) -> str:
    name = name.replace("conv_norm_out", "norm_out")
    name = _replaced(name, _RESIDUAL)
    if ".mid_block." in name:
        name = name.replace("attentions.0", "attn_1").replace("mid_block", "mid")
        name = re.sub(r"resnets\.(\d)", lambda found: f"block_{int(found[1]) + 1}", name)
        return _replaced(name, _ATTENTION)
    name = re.sub(r"encoder\.down_blocks\.(\d)", r"encoder.down.\1", name)
    name = re.sub(
        r"decoder\.up_blocks\.(\d)", lambda found: f"decoder.up.{last - int(found[1])}", name
    )
    name = name.replace(".resnets.", ".block.").replace("samplers.0.", "sample.")
    return name


def save_vae(
    folder: Path,
    vae: Any,
    layout: str = "diffusers",
    dtype: str = "float32",
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> ModelRecord:
    """Write an autoencoder, and return its record. Changes are tensors; None leaves one out."""
    import torch

    state = {
        name: each.to(getattr(torch, dtype)) for name, each in in_layout(vae, layout).items()
    } | dict(changes)
    model = save_tensors(
        folder,
        {name: each for name, each in state.items() if each is not None},
        kind=ModelKind.VAE,
    )
    MODELS.put(model, model.id)
    return model
