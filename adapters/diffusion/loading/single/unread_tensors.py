"""Finds the tensors of a checkpoint that diffusers' conversion leaves out.

The conversion takes the tensors that it knows and silently drops the rest. So a network could lack
tensors of its author. This module runs the conversion a second time, over stand-ins: each holds a
number of its own in place of weights. The numbers that arrive in a network name the tensors that
were read.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
    is_clip_model,
)

from adapters.diffusion.loading.single.unet_inputs import GUIDANCE, GUIDANCE_OF_DIFFUSERS
from adapters.diffusion.no_autoencoder import NoAutoencoder
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unused import (
    is_harmless,
    is_harmless_in_a_folder,
    part_of,
    unexpected_reason,
)

__all__ = ["unread_part_reason", "unread_reason"]

_OPEN_CLIP = "cond_stage_model.model."
_SECOND_OPEN_CLIP = "conditioner.embedders.1.model."
_WRAPPER = "text_model."  # in the names of transformers' CLIPTextModel before 5.6


def unread_reason(weights: Mapping[str, TensorFacts], parts: Mapping[str, Any]) -> str | None:
    """Explain why a checkpoint is refused if it has tensors that no network of `parts` reads.

    Args:
        weights: The facts of the tensors, by their names in the layout of the original code.
        parts: The loaded components by diffusers' names: `unet`, `vae`, `text_encoder`, and
            `text_encoder_2` of XL.

    Returns:
        The reason, for a user; None if every other tensor is read or is known to change no picture.
    """
    names = [name for name in weights if part_of(name) is not None]
    stand_ins = {
        name: _stand_in(weights[name].shape, number) for number, name in enumerate(names, start=1)
    }
    read = {
        names[int(tensor.flatten()[0]) - 1]
        for part, converted in _converted(stand_ins, parts)
        for tensor in _taken(part, converted)
    }
    unread: dict[str, list[str]] = {}
    for name in names:
        if name not in read and not is_harmless(name):
            unread.setdefault(part_of(name) or "", []).append(ascii(name[:200])[1:-1])
    return next((unexpected_reason(part, found) for part, found in unread.items()), None)


def unread_part_reason(part: str, left_over: Iterable[str]) -> str | None:
    """Explain why a part of a diffusers folder is refused if it has tensors that nothing reads.

    Args:
        part: The name of the part's folder.
        left_over: The names of those tensors, in the layout of diffusers or transformers.

    Returns:
        The reason, for a user; None if all of them are known to change no picture.
    """
    names = [name for name in sorted(left_over) if not is_harmless_in_a_folder(part, name)]
    return unexpected_reason(part, [ascii(name[:200])[1:-1] for name in names]) if names else None


def _stand_in(shape: tuple[int, ...], number: int) -> torch.Tensor:
    """Return a tensor full of `number`, with the dimensions and rows of `shape`, but one column.

    The conversion slices rows, drops dimensions and transposes. float64 holds each number exactly.
    """
    sides = (max(shape[0], 1), *(1 for _ in shape[1:])) if shape else ()
    return torch.tensor(float(number), dtype=torch.float64).expand(sides)


def _converted(
    stand_ins: dict[str, torch.Tensor], parts: Mapping[str, Any]
) -> Iterator[tuple[Any, Mapping[str, torch.Tensor]]]:
    """Yield each network with the stand-ins as the conversion of this network returns them."""
    unet, vae, text_encoder = (parts[name] for name in ("unet", "vae", "text_encoder"))
    yield unet, convert_ldm_unet_checkpoint(stand_ins, config=dict(unet.config))
    if GUIDANCE in stand_ins:
        yield unet, {GUIDANCE_OF_DIFFUSERS: stand_ins[GUIDANCE]}
    if not isinstance(vae, NoAutoencoder):
        yield vae, convert_ldm_vae_checkpoint(stand_ins, config=dict(vae.config))
    second = parts.get("text_encoder_2")
    if second is not None:
        yield second, convert_open_clip_checkpoint(second, stand_ins, prefix=_SECOND_OPEN_CLIP)
    if second is not None or is_clip_model(stand_ins):
        yield text_encoder, convert_ldm_clip_checkpoint(stand_ins)
    else:
        yield text_encoder, convert_open_clip_checkpoint(text_encoder, stand_ins, prefix=_OPEN_CLIP)


def _taken(part: Any, converted: Mapping[str, torch.Tensor]) -> Iterator[torch.Tensor]:
    """Yield the tensors of a converted checkpoint that have a place in the network."""
    places = {name.removeprefix(_WRAPPER) for name in part.state_dict()}
    for name, tensor in converted.items():
        if name.removeprefix(_WRAPPER) in places:
            yield tensor
