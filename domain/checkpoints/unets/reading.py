"""The blocks of a UNet, counted in the names of its tensors.

Distilled UNets lack blocks of the network that they were distilled from. How many transformer
blocks are left may differ from one residual block to the next, as in SSD-1B. ComfyUI counts the
same names (`model_detection.py`, `transformer_depth`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.checkpoints.unets.facts import Depths

__all__ = ["UnetShape", "UnknownUnet", "shape_of_unet"]

_MOST_LEVELS, _MOST_BLOCKS, _MOST_DEPTH = 8, 8, 16
"""Published UNets have up to 4 levels, 3 residual blocks of a level, and 10 transformer blocks."""

_RESIDUAL = re.compile(r"(input|output)_blocks\.(\d{1,3})\.0\.in_layers\.2\.weight", re.ASCII)
_RESIZED = re.compile(
    r"(?:(input)_blocks\.(\d{1,3})\.0\.op|(output)_blocks\.(\d{1,3})\.[12]\.conv)\.weight", re.ASCII
)
_TRANSFORMER = re.compile(
    r"(?:(input|output)_blocks\.(\d{1,3})\.1|middle_block\.1)\.transformer_blocks\.(\d{1,3})\.",
    re.ASCII,
)
_MIDDLE = "middle_block.0.in_layers.2.weight"


class UnknownUnet(Exception):
    """The blocks are not those of a UNet that can be built.

    Attributes:
        reason: Why, as a part of a sentence about the UNet.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class UnetShape:
    """The blocks of a UNet, as `UnetFacts` has them: `widths`, `down`, `up` and `middle`."""

    widths: tuple[int, ...]
    down: Depths
    up: Depths
    middle: int | None


@dataclass(slots=True)
class _Found:
    """What the names of the tensors say."""

    widths: dict[tuple[str, int], int] = field(default_factory=dict)
    resized: set[tuple[str, int]] = field(default_factory=set)
    depths: dict[tuple[str, int], int] = field(default_factory=dict)
    middle: int | None = None


def shape_of_unet(shapes: Mapping[str, tuple[int, ...]]) -> UnetShape:
    """Return the blocks of a UNet.

    Args:
        shapes: The shape of each of its tensors, by the names of the original code without the
            prefix of the UNet. The numbers of blocks are consecutive.

    Raises:
        UnknownUnet: diffusers has no network with these blocks.
    """
    found = _found(shapes)
    widths, down = _levels(found, "input")
    wide_up, up = _levels(found, "output")
    _check_levels(widths, wide_up, down, up)
    _check_middle(found.middle, down[-1])
    return UnetShape(widths, down, up, found.middle)


def _found(shapes: Mapping[str, tuple[int, ...]]) -> _Found:
    found = _Found()
    if _MIDDLE in shapes:
        found.middle = 0
    for name, shape in shapes.items():
        if match := _RESIDUAL.fullmatch(name):
            found.widths[match[1], int(match[2])] = shape[0] if shape else 0
        elif match := _RESIZED.fullmatch(name):
            found.resized.add((match[1] or match[3], int(match[2] or match[4])))
        elif match := _TRANSFORMER.match(name):
            depth = int(match[3]) + 1
            if match[1] is None:
                found.middle = max(found.middle or 0, depth)
            else:
                place = (match[1], int(match[2]))
                found.depths[place] = max(found.depths.get(place, 0), depth)
    return found


def _levels(found: _Found, side: str) -> tuple[tuple[int, ...], Depths]:
    """Return the width of each level of one half, and the depths of its residual blocks."""
    widths: list[int] = []
    levels: list[tuple[int, ...]] = []
    blocks: list[int] = []
    number = 1 if side == "input" else 0
    while (place := (side, number)) in found.widths or place in found.resized:
        is_residual = place in found.widths
        if is_residual:
            if not blocks:
                widths.append(found.widths[place])
            elif widths[-1] != found.widths[place]:
                raise UnknownUnet(f"has two widths in one level, at {side}_blocks.{number}")
            blocks.append(found.depths.get(place, 0))
        if place in found.resized:
            levels.append(tuple(blocks))
            blocks = []
        number += 1
    return tuple(widths), (*levels, tuple(blocks))


def _check_levels(
    widths: tuple[int, ...], wide_up: tuple[int, ...], down: Depths, up: Depths
) -> None:
    if not 1 <= len(down) <= _MOST_LEVELS or len(up) != len(down) or wide_up != widths[::-1]:
        raise UnknownUnet(f"has {len(down)} levels on the way down and {len(up)} on the way up")
    layers = len(down[0])
    counts = [len(each) for each in down] + [len(each) - 1 for each in up]
    if not 1 <= layers <= _MOST_BLOCKS or set(counts) != {layers}:
        raise UnknownUnet(f"has another number of blocks in some of its levels: {_list(down + up)}")
    for level in down + up:
        if (0 in level and any(level)) or max(level) > _MOST_DEPTH:
            raise UnknownUnet(f"has a level of {_list([level])} transformer blocks")


def _check_middle(middle: int | None, last: tuple[int, ...]) -> None:
    # diffusers gives the middle the depth of the last level's first block.
    if middle and middle != (last[0] or middle):
        raise UnknownUnet(
            f"has {middle} transformer blocks in its middle, and {last[0]} in its last level"
        )


def _list(levels: Iterable[tuple[int, ...]]) -> str:
    return "; ".join(", ".join(map(str, level)) or "none" for level in levels)
