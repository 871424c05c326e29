"""The numbers of a UNet's blocks in files of pruned models."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from domain.checkpoints.unets.tensors import UNET

__all__ = ["with_consecutive_blocks"]

_Tensor = TypeVar("_Tensor")
_BLOCK = re.compile(rf"({re.escape(UNET)}(input|output)_blocks\.)(\d{{1,3}})\.(.+)", re.ASCII)
_UPSAMPLER = re.compile(r"[12]\.(conv\.(?:weight|bias))")


def with_consecutive_blocks(tensors: Mapping[str, _Tensor]) -> dict[str, _Tensor]:
    """Return the tensors with consecutive numbers of the UNet's blocks.

    The original code numbers the blocks of a UNet one after the other. diffusers' script
    `convert_diffusers_to_original_stable_diffusion.py` counts three numbers for each level instead,
    whatever the level has. So the files that people make of BK-SDM and of Segmind's small-sd and
    tiny-sd have gaps: `input_blocks.2` and `output_blocks.2.0` are missing, and the layer that
    enlarges a level is a block of its own, `output_blocks.2.1.conv`.

    A checkpoint without gaps is returned as it is.
    """
    found = {name: match for name in tensors if (match := _BLOCK.fullmatch(name)) is not None}
    down = {int(match[3]) for match in found.values() if match[2] == "input"}
    up = {int(match[3]) for match in found.values() if match[2] == "output"}
    if not _has_gaps(down) and not _has_gaps(up - _enlarging_alone(found.values(), up)):
        return dict(tensors)
    new_down, new_up = _ranks(down), _ranks(up - _enlarging_alone(found.values(), up))
    attended = {
        int(match[3])
        for match in found.values()
        if match[2] == "output" and match[4] == "1.norm.weight"
    }
    renamed: dict[str, _Tensor] = {}
    for name, tensor in tensors.items():
        match = found.get(name)
        if match is None:
            renamed[name] = tensor
        elif match[2] == "input":
            renamed[f"{match[1]}{new_down[int(match[3])]}.{match[4]}"] = tensor
        else:
            renamed[_up(match, new_up, attended)] = tensor
    return renamed


def _enlarging_alone(matches: Iterable[re.Match[str]], up: set[int]) -> set[int]:
    """Return the numbers of blocks that hold nothing but the layer that enlarges a level."""
    others = {
        int(match[3])
        for match in matches
        if match[2] == "output" and not _UPSAMPLER.fullmatch(match[4])
    }
    return up - others


def _has_gaps(numbers: set[int]) -> bool:
    return bool(numbers) and len(numbers) != max(numbers) - min(numbers) + 1


def _ranks(numbers: set[int]) -> dict[int, int]:
    first = min(numbers, default=0)
    return {number: first + rank for rank, number in enumerate(sorted(numbers))}


def _up(match: re.Match[str], numbers: Mapping[int, int], attended: set[int]) -> str:
    number = int(match[3])
    enlarging = _UPSAMPLER.fullmatch(match[4])
    if number in numbers or enlarging is None:
        return f"{match[1]}{numbers[number]}.{match[4]}"
    before = max(each for each in numbers if each < number)
    part = 2 if before in attended else 1
    return f"{match[1]}{numbers[before]}.{part}.{enlarging[1]}"
