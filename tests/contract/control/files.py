"""Random ControlNets as files, in every layout."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain.models.record import ModelKind, ModelRecord

__all__ = [
    "LAYOUTS",
    "new_controlnet",
    "original_names",
    "record_at",
    "save_controlnet",
    "save_tensors",
]

LAYOUTS = ("diffusers", "original", "bare")
"""`bare` is the original layout without `control_model.` before each name."""

_RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def new_controlnet(unet: Any, *, seed: int = 0, strength: float = 0.3, **options: Any) -> Any:
    """Return a copy of a UNet's encoder half whose outputs are not zero.

    Args:
        unet: A `UNet2DConditionModel`.
        seed: Of its random convolutions.
        strength: How much it changes a picture.
        options: Further arguments of `ControlNetModel.from_unet`.
    """
    import torch
    from diffusers import ControlNetModel

    network: Any = ControlNetModel.from_unet(unet, **options)
    noise = torch.Generator("cpu").manual_seed(seed)
    hint = network.controlnet_cond_embedding
    with torch.no_grad():
        for layer in (*network.controlnet_down_blocks, network.controlnet_mid_block, hint.conv_out):
            fan_in = layer.weight[0].numel()
            layer.weight.copy_(
                torch.randn(layer.weight.shape, generator=noise) * strength * fan_in**-0.5
            )
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=noise) * strength * 0.1)
        hint.conv_out.weight.mul_(20)
    return network.eval()


def original_names(network: Any) -> dict[str, str]:
    """Return the name in the original layout of each tensor of a `ControlNetModel`."""
    layers = network.config.layers_per_block
    last_hint = 2 * (len(network.controlnet_cond_embedding.blocks) + 1)
    return {name: _original(name, layers, last_hint) for name in network.state_dict()}


def _original(name: str, layers: int, last_hint: int) -> str:
    for start, old in (
        ("conv_in.", "input_blocks.0.0."),
        ("time_embedding.linear_1.", "time_embed.0."),
        ("time_embedding.linear_2.", "time_embed.2."),
        ("add_embedding.linear_1.", "label_emb.0.0."),
        ("add_embedding.linear_2.", "label_emb.0.2."),
        ("controlnet_mid_block.", "middle_block_out.0."),
        ("controlnet_cond_embedding.conv_in.", "input_hint_block.0."),
        ("controlnet_cond_embedding.conv_out.", f"input_hint_block.{last_hint}."),
        ("mid_block.attentions.0.", "middle_block.1."),
    ):
        if name.startswith(start):
            return old + name.removeprefix(start)
    if found := re.fullmatch(r"controlnet_down_blocks\.(\d+)\.(.+)", name):
        return f"zero_convs.{found[1]}.0.{found[2]}"
    if found := re.fullmatch(r"controlnet_cond_embedding\.blocks\.(\d+)\.(.+)", name):
        return f"input_hint_block.{2 * int(found[1]) + 2}.{found[2]}"
    if found := re.fullmatch(r"mid_block\.resnets\.(\d)\.(\w+)\.(.+)", name):
        return f"middle_block.{2 * int(found[1])}.{_RESIDUAL[found[2]]}.{found[3]}"
    found = re.fullmatch(r"down_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
    assert found, name
    first = 1 + int(found[1]) * (layers + 1)
    if found[2] == "downsamplers":
        return f"input_blocks.{first + layers}.0.op.{found[4].removeprefix('conv.')}"
    block = f"input_blocks.{first + int(found[3])}"
    if found[2] == "attentions":
        return f"{block}.1.{found[4]}"
    part, rest = found[4].split(".", 1)
    return f"{block}.0.{_RESIDUAL[part]}.{rest}"


def save_controlnet(
    folder: Path,
    network: Any,
    *,
    layout: str = "diffusers",
    dtype: str = "float32",
    extension: str = ".safetensors",
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> ModelRecord:
    """Write a ControlNet, and return its record.

    Args:
        folder: Where it is written.
        network: A `ControlNetModel`.
        layout: One of `LAYOUTS`.
        dtype: The precision of the file.
        extension: `.safetensors`, or one of `torch.save`.
        changes: Tensors by their names in the file that replace its own; None leaves one out.
    """
    import torch

    state = {name: each.to(getattr(torch, dtype)) for name, each in network.state_dict().items()}
    if layout != "diffusers":
        names = original_names(network)
        prefix = "control_model." if layout == "original" else ""
        state = {prefix + names[name]: each for name, each in state.items()}
    state |= changes
    return save_tensors(
        folder,
        {name: each for name, each in state.items() if each is not None},
        kind=ModelKind.CONTROLNET,
        extension=extension,
    )


def save_tensors(
    folder: Path, state: dict[str, Any], *, kind: ModelKind, extension: str = ".safetensors"
) -> ModelRecord:
    """Write tensors, and return the record of the file."""
    import safetensors.torch
    import torch

    number = len(list(folder.iterdir()))
    path = folder / f"{kind}-{number}{extension}"
    state = {name: each.contiguous() for name, each in state.items()}
    if extension == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save({"state_dict": state}, path)
    return record_at(path, kind)


def record_at(path: Path, kind: ModelKind) -> ModelRecord:
    """Return the record of a file."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return ModelRecord(digest, path.name, len(data), str(path), path.suffix, kind=kind)
