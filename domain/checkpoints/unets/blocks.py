"""The numbers of a UNet's blocks in files of pruned models."""

import re
from collections.abc import Mapping
from typing import TypeVar

from domain.checkpoints.unets.tensors import UNET

__all__ = ["with_consecutive_blocks"]

_Tensor = TypeVar("_Tensor")
_BLOCK = re.compile(rf"({re.escape(UNET)}(input|output)_blocks\.)(\d{{1,3}})\.(.+)", re.ASCII)
_ENLARGING = re.compile(r"[12]\.(conv\.(?:weight|bias))")
_SECOND = f"{UNET}input_blocks.2."
_MOST_LEVELS = 8


def with_consecutive_blocks(tensors: Mapping[str, _Tensor]) -> dict[str, _Tensor]:
    """Return the tensors with consecutive numbers of the UNet's blocks.

    The original code numbers the blocks of a UNet one after the other. diffusers' script
    `convert_diffusers_to_original_stable_diffusion.py` counts three numbers for each level instead,
    whatever the level has. So the files that people make of BK-SDM and of Segmind's small-sd and
    tiny-sd, whose levels have one residual block, have gaps: `input_blocks.2` is missing, and the
    layer that enlarges a level is a block of its own, such as `output_blocks.2.1.conv`.

    Any other checkpoint is returned as it is.
    """
    if any(name.startswith(_SECOND) for name in tensors):
        return dict(tensors)
    found = {name: match for name in tensors if (match := _BLOCK.fullmatch(name)) is not None}
    if not _counts_three(found):
        return dict(tensors)
    attended = {
        int(match[3])
        for match in found.values()
        if match[2] == "output" and match[4] == "1.norm.weight"
    }
    return {
        _renamed(found[name], attended) if name in found else name: tensor
        for name, tensor in tensors.items()
    }


def _counts_three(found: Mapping[str, re.Match[str]]) -> bool:
    """Return whether the numbers are those of the script, for levels of one residual block."""
    down, up = (
        {int(match[3]) for match in found.values() if match[2] == side}
        for side in ("input", "output")
    )
    levels = max(down, default=0) // 3 + 1
    steps = {3 * level for level in range(levels)}
    if not 2 <= levels <= _MOST_LEVELS or down != steps | {each + 1 for each in steps}:
        return False
    return up == {each + place for each in steps for place in (0, 1, 2)} - {3 * levels - 1}


def _renamed(match: re.Match[str], attended: set[int]) -> str:
    start, number, rest = match[1], int(match[3]), match[4]
    level, place = divmod(number, 3)
    if match[2] == "input":
        return f"{start}{2 * level + place}.{rest}"
    enlarging = _ENLARGING.fullmatch(rest)
    if place < 2 or enlarging is None:
        return f"{start}{2 * level + place}.{rest}"
    return f"{start}{2 * level + 1}.{2 if number - 1 in attended else 1}.{enlarging[1]}"
