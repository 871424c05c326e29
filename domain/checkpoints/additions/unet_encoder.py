"""The encoder half of a UNet of Stable Diffusion: its names in both layouts, and its structure.

A ControlNet is a copy of this half (Zhang et al., «Adding Conditional Control to Text-to-Image
Diffusion Models», 2023, arXiv:2302.05543, section 3.2), so both have the same tensors. The names of
the original layout are those of CompVis/stable-diffusion (`openaimodel.py`) and
lllyasviel/ControlNet (`cldm.py`). The others are those of diffusers (`UNet2DConditionModel`,
`ControlNetModel`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from domain.checkpoints.additions.tables import shape_of
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unets.layers import Tensors, attention, layer

__all__ = ["EncoderFacts", "diffusers_names", "encoder_facts", "encoder_tensors"]

_LEVELS, _LAYERS, _DEPTH = 8, 8, 128
"""The most levels, blocks of a level, and transformer blocks of an attention; published ones have
up to 4, 2 and 10."""

_BLOCK = re.compile(r"(input_blocks|middle_block)\.(\d+)\.(?:(\d+)\.)?(.+)")
_NUMBERED = re.compile(r"(zero_convs|input_hint_block)\.(\d+)\.(?:0\.)?(weight|bias)")
_HINT = re.compile(r"input_hint_block\.(\d+)\.")
_STARTS = {
    "time_embed.0.": "time_embedding.linear_1.",
    "time_embed.2.": "time_embedding.linear_2.",
    "label_emb.0.0.": "add_embedding.linear_1.",
    "label_emb.0.2.": "add_embedding.linear_2.",
    "middle_block_out.0.": "controlnet_mid_block.",
}
_RESIDUAL = {
    "in_layers.0.": "norm1.",
    "in_layers.2.": "conv1.",
    "emb_layers.1.": "time_emb_proj.",
    "out_layers.0.": "norm2.",
    "out_layers.3.": "conv2.",
    "skip_connection.": "conv_shortcut.",
}


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """The numbers of the encoder half of a UNet, and of its middle block.

    Attributes:
        widths: The channels of each level.
        layers: The residual blocks of each level.
        depths: The transformer blocks of each attention of a level; 0 for a level without it.
        middle: The transformer blocks of the middle block; None for a middle without attention,
            which has a single residual block.
        context: The width of what the prompt is encoded to; None without any attention.
        label: The numbers of its further conditions, such as XL's size and crop; None without them.
        linear: Whether the projections of the attentions are linear layers.
        in_channels: The channels of the latents.
    """

    widths: tuple[int, ...]
    layers: int
    depths: tuple[int, ...]
    middle: int | None
    context: int | None
    label: int | None
    linear: bool
    in_channels: int

    @property
    def skips(self) -> tuple[int, ...]:
        """The channels of each output that the decoder half takes, from the first on."""
        found = [self.widths[0]]
        for level, width in enumerate(self.widths):
            found += [width] * (self.layers + (level + 1 < len(self.widths)))
        return tuple(found)


def diffusers_names(names: Iterable[str]) -> dict[str, str]:
    """Return the name in diffusers' layout of each tensor of an encoder half or a ControlNet.

    Args:
        names: Names of either layout, without the prefix of the part. A name that no layout has is
            returned as it is.
    """
    known = list(names)
    levels = dict(_levels(known))
    hints = [int(found[1]) for name in known if (found := _HINT.match(name))]
    last_hint = max(hints, default=0)
    return {name: _renamed(name, levels, last_hint) for name in known}


def _levels(names: Iterable[str]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the level and the place in it of each input block, by its number."""
    numbers, ends = set(), set()
    for name in names:
        found = _BLOCK.fullmatch(name)
        if found and found[1] == "input_blocks":
            numbers.add(int(found[2]))
            if found[4].startswith("op."):
                ends.add(int(found[2]))
    level = place = 0
    for number in sorted(numbers - {0}):
        yield number, (level, place)
        level, place = (level + 1, 0) if number in ends else (level, place + 1)


def _renamed(name: str, levels: Mapping[int, tuple[int, int]], last_hint: int) -> str:
    for start, own in _STARTS.items():
        if name.startswith(start):
            return own + name.removeprefix(start)
    if found := _NUMBERED.fullmatch(name):
        return _of_the_control(found[1], int(found[2]), last_hint) + found[3]
    if (found := _BLOCK.fullmatch(name)) is None:
        return name
    number, part, rest = int(found[2]), found[3], found[4]
    if found[1] == "middle_block":
        # Residual blocks are the numbers 0 and 2, and the attention is 1.
        rest = f"{part}.{rest}" if part is not None else rest
        if number == 1:
            return f"mid_block.attentions.0.{rest}"
        return f"mid_block.resnets.{number // 2}.{_residual(rest)}"
    if number == 0:
        return f"conv_in.{rest}"
    if number not in levels:
        return name
    level, place = levels[number]
    block = f"down_blocks.{level}"
    if rest.startswith("op."):
        return f"{block}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    if part == "0":
        return f"{block}.resnets.{place}.{_residual(rest)}"
    return f"{block}.attentions.{place}.{rest}"


def _of_the_control(kind: str, number: int, last_hint: int) -> str:
    if kind == "zero_convs":
        return f"controlnet_down_blocks.{number}."
    if number == 0:
        return "controlnet_cond_embedding.conv_in."
    if number == last_hint:
        return "controlnet_cond_embedding.conv_out."
    return f"controlnet_cond_embedding.blocks.{number // 2 - 1}."


def _residual(rest: str) -> str:
    for old, own in _RESIDUAL.items():
        if rest.startswith(old):
            return own + rest.removeprefix(old)
    return rest


def encoder_facts(tensors: Mapping[str, TensorFacts]) -> EncoderFacts:
    """Return the structure of an encoder half.

    Args:
        tensors: Its tensors by diffusers' names. Others are left alone.

    Raises:
        UnusableAddition: The tensors are not those of such a network.
    """
    levels = _count(tensors, r"down_blocks\.(\d+)\.", _LEVELS)
    conv_in = shape_of(tensors, "conv_in.weight", 4)
    widths = tuple(
        shape_of(tensors, f"down_blocks.{level}.resnets.0.conv1.weight", 4)[0]
        for level in range(levels)
    )
    if not widths or widths[0] != conv_in[0]:
        raise UnusableAddition("its first level has another width than its input")
    depths = tuple(_depth(tensors, rf"down_blocks\.{level}") for level in range(levels))
    middle = _depth(tensors, "mid_block")
    attentions = [f"down_blocks.{level}.attentions.0" for level in range(levels) if depths[level]]
    if middle:
        attentions.append("mid_block.attentions.0")
    context, linear = None, False
    if attentions:
        keys = f"{attentions[0]}.transformer_blocks.0.attn2.to_k.weight"
        context = shape_of(tensors, keys, 2)[1]
        projection = tensors.get(f"{attentions[0]}.proj_in.weight")
        linear = projection is not None and len(projection.shape) == 2
    label = "add_embedding.linear_1.weight"
    return EncoderFacts(
        widths=widths,
        layers=_count(tensors, r"down_blocks\.0\.resnets\.(\d+)\.", _LAYERS),
        depths=depths,
        middle=middle or None,
        context=context,
        label=shape_of(tensors, label, 2)[1] if label in tensors else None,
        linear=linear,
        in_channels=conv_in[1],
    )


def _depth(tensors: Mapping[str, TensorFacts], block: str) -> int:
    return _count(tensors, rf"{block}\.attentions\.0\.transformer_blocks\.(\d+)\.", _DEPTH)


def _count(tensors: Mapping[str, TensorFacts], pattern: str, most: int) -> int:
    """Return how many numbered parts there are: the highest number and one."""
    numbered = re.compile(pattern)
    found = {int(match[1][:6]) for name in tensors if (match := numbered.match(name))}
    count = max(found, default=-1) + 1
    if count > most:
        raise UnusableAddition(f"it has {count} parts where {most} are the most")
    return count


def encoder_tensors(facts: EncoderFacts) -> Tensors:
    """Return every tensor of an encoder half with these numbers, by diffusers' names."""
    first, embedding = facts.widths[0], 4 * facts.widths[0]
    yield from layer("time_embedding.linear_1", embedding, first)
    yield from layer("time_embedding.linear_2", embedding, embedding)
    if facts.label is not None:
        yield from layer("add_embedding.linear_1", embedding, facts.label)
        yield from layer("add_embedding.linear_2", embedding, embedding)
    yield from layer("conv_in", first, facts.in_channels, 3, 3)
    before = first
    for level, (width, depth) in enumerate(zip(facts.widths, facts.depths, strict=True)):
        block = f"down_blocks.{level}"
        for place in range(facts.layers):
            yield from _residual_block(f"{block}.resnets.{place}", before, width, embedding)
            before = width
            if depth:
                yield from _attention(f"{block}.attentions.{place}", width, depth, facts)
        if level + 1 < len(facts.widths):
            yield from layer(f"{block}.downsamplers.0.conv", width, width, 3, 3)
    yield from _residual_block("mid_block.resnets.0", before, before, embedding)
    if facts.middle is not None:
        yield from _attention("mid_block.attentions.0", before, facts.middle, facts)
        yield from _residual_block("mid_block.resnets.1", before, before, embedding)


def _residual_block(name: str, before: int, after: int, embedding: int) -> Tensors:
    yield from layer(f"{name}.norm1", before)
    yield from layer(f"{name}.conv1", after, before, 3, 3)
    yield from layer(f"{name}.time_emb_proj", after, embedding)
    yield from layer(f"{name}.norm2", after)
    yield from layer(f"{name}.conv2", after, after, 3, 3)
    if before != after:
        yield from layer(f"{name}.conv_shortcut", after, before, 1, 1)


def _attention(name: str, width: int, depth: int, facts: EncoderFacts) -> Tensors:
    return attention(name, width, depth, context=facts.context or 0, linear=facts.linear)
