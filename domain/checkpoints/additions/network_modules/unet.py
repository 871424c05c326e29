"""The two namings of a UNet's modules: that of the original code, and that of diffusers.

The original code (CompVis/stable-diffusion, `openaimodel.py`) numbers the blocks of each side from
end to end. diffusers (`UNet2DConditionModel`) numbers them within a level. Which numbers belong
together depends on how many residual blocks each level has, so both are counted in the names.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["diffusers_names", "original_names"]

_OUTSIDE = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
"""What is in no block."""
_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_ORIGINAL_BLOCK = re.compile(r"(input_blocks\.\d+\.\d+|middle_block\.\d+|output_blocks\.\d+\.\d+)")
_DIFFUSERS_BLOCK = re.compile(r"((?:down_blocks\.\d+|mid_block|up_blocks\.\d+)\.[a-z]+\.\d+)")


@dataclass(frozen=True, slots=True)
class _Level:
    """The residual blocks of a level, and whether a change of size follows them."""

    blocks: int
    resizes: bool


def diffusers_names(modules: Iterable[str]) -> dict[str, str]:
    """Return diffusers' name of each module of a UNet with the original names.

    A module that is not of such a UNet is left out.
    """
    found = frozenset(modules)
    blocks = _blocks(
        _original_levels(found, "input_blocks"), _original_levels(found, "output_blocks"), found
    )
    named = {name: _OUTSIDE[name] for name in found if name in _OUTSIDE}
    for name in found - named.keys():
        block = _ORIGINAL_BLOCK.match(name)
        place = blocks.get(block[1]) if block else None
        if block is not None and place is not None:
            rest = name[block.end() + 1 :]
            named[name] = f"{place}.{_inner(place, rest, _RESIDUAL, 'conv')}"
    return named


def original_names(modules: Iterable[str]) -> dict[str, str]:
    """Return the original name of each module of a UNet with diffusers' names.

    A module that is not of such a UNet is left out.
    """
    found = frozenset(modules)
    blocks = _blocks(
        _diffusers_levels(found, "down_blocks", "downsamplers"),
        _diffusers_levels(found, "up_blocks", "upsamplers"),
        found,
    )
    originals = {place: block for block, place in blocks.items()}
    outside = {name: original for original, name in _OUTSIDE.items()}
    inside = {name: original for original, name in _RESIDUAL.items()}
    named = {name: outside[name] for name in found if name in outside}
    for name in found - named.keys():
        block = _DIFFUSERS_BLOCK.match(name)
        original = originals.get(block[1]) if block else None
        if block is not None and original is not None:
            rest = name[block.end() + 1 :]
            resized = "op" if original.startswith("input_blocks") else "conv"
            named[name] = f"{original}.{_inner(block[1], rest, inside, resized)}"
    return named


def _inner(place: str, rest: str, residual: Mapping[str, str], resized: str) -> str:
    if ".resnets." in place:
        return residual.get(rest, rest)
    return resized if "samplers." in place else rest


def _blocks(
    down: Iterable[_Level], up: Iterable[_Level], modules: frozenset[str]
) -> dict[str, str]:
    """Return diffusers' name of each block by its original name."""
    pairs = {
        "middle_block.0": "mid_block.resnets.0",
        "middle_block.1": "mid_block.attentions.0",
        "middle_block.2": "mid_block.resnets.1",
    }
    number = 1
    for level, each in enumerate(down):
        for index in range(each.blocks):
            pairs[f"input_blocks.{number}.0"] = f"down_blocks.{level}.resnets.{index}"
            pairs[f"input_blocks.{number}.1"] = f"down_blocks.{level}.attentions.{index}"
            number += 1
        if each.resizes:
            pairs[f"input_blocks.{number}.0"] = f"down_blocks.{level}.downsamplers.0"
            number += 1
    number = 0
    for level, each in enumerate(up):
        for index in range(each.blocks):
            block, attention = f"output_blocks.{number}", f"up_blocks.{level}.attentions.{index}"
            pairs[f"{block}.0"] = f"up_blocks.{level}.resnets.{index}"
            attends = f"{block}.1.norm" in modules or f"{attention}.norm" in modules
            if attends:
                pairs[f"{block}.1"] = attention
            if each.resizes and index + 1 == each.blocks:
                pairs[f"{block}.{2 if attends else 1}"] = f"up_blocks.{level}.upsamplers.0"
            number += 1
    return pairs


def _original_levels(modules: frozenset[str], side: str) -> list[_Level]:
    """Return the levels of one side, whose blocks have consecutive numbers."""
    goes_down = side == "input_blocks"
    levels, blocks, number = [], 0, 1 if goes_down else 0
    while f"{side}.{number}.0.in_layers.2" in modules or f"{side}.{number}.0.op" in modules:
        # A change of size is a block of its own on the way down, and the end of one on the way up.
        is_change = f"{side}.{number}.0.op" in modules
        blocks += 0 if is_change else 1
        if is_change or any(f"{side}.{number}.{part}.conv" in modules for part in (1, 2)):
            levels.append(_Level(blocks, resizes=True))
            blocks = 0
        number += 1
    return [*levels, _Level(blocks, resizes=False)] if blocks else levels


def _diffusers_levels(modules: frozenset[str], side: str, change: str) -> list[_Level]:
    levels: list[_Level] = []
    while f"{side}.{len(levels)}.resnets.0.conv1" in modules:
        level, blocks = len(levels), 1
        while f"{side}.{level}.resnets.{blocks}.conv1" in modules:
            blocks += 1
        levels.append(_Level(blocks, f"{side}.{level}.{change}.0.conv" in modules))
    return levels
