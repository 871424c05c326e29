"""The layouts of autoencoder files, and the structure of the network in them.

Known layouts: CompVis/latent-diffusion (`encoder.down.…`, with or without `first_stage_model.`),
and diffusers (`AutoencoderKL`), whose releases before 0.15 named the attention's tensors `query`,
`key`, `value` and `proj_attn`. The numbers of the network follow from the shapes of its tensors.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.checkpoints.additions.tables import check_tensors, shape_of
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unets.layers import Tensors, layer

__all__ = ["AutoencoderFacts", "AutoencoderLayout", "autoencoder_facts", "autoencoder_layout"]

_PREFIXES = ("first_stage_model.", "vae.")
_LEVELS, _LAYERS = 8, 8
_COLOURS = 3
_HARMLESS = re.compile(r"^(loss|model_ema|discriminator)\.")
"""What a trainer leaves beside the network."""
_TINY = re.compile(r"^((taesd_)?(encoder|decoder)\.)?(layers\.)?\d+\.")
_DOWN = re.compile(r"encoder\.down\.(\d+)\.(block\.(\d+)|downsample\.conv)\.(.+)")
_UP = re.compile(r"decoder\.up\.(\d+)\.(block\.(\d+)|upsample\.conv)\.(.+)")
_MIDDLE = re.compile(r"(encoder|decoder)\.mid\.(block_(\d)|attn_1)\.(.+)")
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_ATTENTION = {"q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0", "norm": "group_norm"}


@dataclass(frozen=True, slots=True)
class AutoencoderFacts:
    """The numbers of an autoencoder.

    Attributes:
        widths: The channels of each level, from the pixels on.
        layers: The residual blocks of a level of the encoder; the decoder has one more.
        channels: The channels of the latents.
        attends: Whether the middle has an attention.
        has_quant: Whether a convolution follows the encoder.
        has_post_quant: Whether a convolution precedes the decoder.
    """

    widths: tuple[int, ...]
    layers: int
    channels: int
    attends: bool
    has_quant: bool
    has_post_quant: bool


@dataclass(frozen=True, slots=True)
class AutoencoderLayout:
    """An autoencoder in a file.

    Attributes:
        names: The name in the file of each tensor, by its name in diffusers' `AutoencoderKL`. The
            weights of an attention may be convolutions of 1 × 1 there, and are matrices here.
        facts: The numbers of the network.
    """

    names: Mapping[str, str]
    facts: AutoencoderFacts


def autoencoder_layout(
    tensors: Mapping[str, TensorFacts], _metadata: Mapping[str, str] = MappingProxyType({})
) -> AutoencoderLayout:
    """Return the autoencoder in a file with these tensors. Its metadata says nothing more.

    Raises:
        UnusableAddition: It is another network, is incomplete, or holds more than an autoencoder.
            The reason says which.
    """
    inner = {_without_prefix(name): name for name in tensors if not _HARMLESS.match(name)}
    names = {own: inner[stored] for own, stored in _diffusers_names(inner)}
    if len(names) < len(tensors) - sum(map(bool, map(_HARMLESS.match, tensors))):
        raise UnusableAddition("it holds a tensor twice, under two names")
    found = {own: _as_matrix(own, tensors[stored]) for own, stored in names.items()}
    if "encoder.conv_in.weight" not in found or "decoder.conv_in.weight" not in found:
        if any(_TINY.match(name) for name in inner):
            raise UnusableAddition(
                "it is a tiny autoencoder (TAESD); nothing here draws with these"
            )
        raise UnusableAddition("it is not a whole autoencoder: it needs an encoder and a decoder")
    facts = autoencoder_facts(found)
    check_tensors("autoencoder", found, dict(_expected(facts)))
    return AutoencoderLayout(names, facts)


def autoencoder_facts(tensors: Mapping[str, TensorFacts]) -> AutoencoderFacts:
    """Return the structure of an autoencoder.

    Args:
        tensors: Its tensors by the names of either layout, without a prefix.

    Raises:
        UnusableAddition: The tensors are not those of such a network.
    """
    found = {own: tensors[stored] for own, stored in _diffusers_names(tensors)}
    levels = _count(found, r"encoder\.down_blocks\.(\d+)\.", _LEVELS)
    widths = tuple(
        shape_of(found, f"encoder.down_blocks.{level}.resnets.0.conv1.weight", 4)[0]
        for level in range(levels)
    )
    return AutoencoderFacts(
        widths=widths,
        layers=_count(found, r"encoder\.down_blocks\.0\.resnets\.(\d+)\.", _LAYERS),
        channels=shape_of(found, "decoder.conv_in.weight", 4)[1],
        attends=any(name.startswith("decoder.mid_block.attentions.0.") for name in found),
        has_quant="quant_conv.weight" in found,
        has_post_quant="post_quant_conv.weight" in found,
    )


def _without_prefix(name: str) -> str:
    return next((name.removeprefix(each) for each in _PREFIXES if name.startswith(each)), name)


def _diffusers_names(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the name in diffusers' layout of each tensor, and its own."""
    up = [int(found[1][:4]) for name in names if (found := _UP.fullmatch(name))]
    last = max(up, default=0)
    for name in names:
        yield _renamed(name, last), name


def _renamed(name: str, last: int) -> str:
    if found := _DOWN.fullmatch(name):
        block = f"encoder.down_blocks.{int(found[1])}"
        if found[3] is None:
            return f"{block}.downsamplers.0.conv.{found[4]}"
        return f"{block}.resnets.{found[3]}.{_residual(found[4])}"
    if found := _UP.fullmatch(name):
        block = f"decoder.up_blocks.{last - int(found[1])}"  # diffusers counts from the latents
        if found[3] is None:
            return f"{block}.upsamplers.0.conv.{found[4]}"
        return f"{block}.resnets.{found[3]}.{_residual(found[4])}"
    if found := _MIDDLE.fullmatch(name):
        block = f"{found[1]}.mid_block"
        if found[3] is not None:
            return f"{block}.resnets.{int(found[3]) - 1}.{_residual(found[4])}"
        part, _, kind = found[4].rpartition(".")
        return f"{block}.attentions.0.{_ATTENTION.get(part, part)}.{kind}"
    if ".mid_block.attentions.0." in name:
        start, part, kind = name.rsplit(".", 2)
        return f"{start}.{_OLD_ATTENTION.get(part, part)}.{kind}"
    for side in ("encoder", "decoder"):
        if name.startswith(f"{side}.norm_out."):
            return name.replace("norm_out", "conv_norm_out", 1)
    return name


def _residual(rest: str) -> str:
    return rest.replace("nin_shortcut.", "conv_shortcut.", 1)


def _as_matrix(own: str, facts: TensorFacts) -> TensorFacts:
    """Return a projection of the attention as a matrix, if it is a convolution of 1 × 1."""
    if ".attentions.0." in own and facts.shape[2:] == (1, 1):
        return TensorFacts(facts.dtype, facts.shape[:2])
    return facts


def _count(tensors: Mapping[str, TensorFacts], pattern: str, most: int) -> int:
    numbered = re.compile(pattern)
    found = {int(match[1][:6]) for name in tensors if (match := numbered.match(name))}
    count = max(found, default=-1) + 1
    if not 0 < count <= most:
        raise UnusableAddition(f"it has {count} parts where 1 to {most} are right")
    return count


def _expected(facts: AutoencoderFacts) -> Tensors:
    widths, top = facts.widths, facts.widths[-1]
    yield from layer("encoder.conv_in", widths[0], _COLOURS, 3, 3)
    before = widths[0]
    for level, width in enumerate(widths):
        block = f"encoder.down_blocks.{level}"
        for place in range(facts.layers):
            yield from _residual_block(f"{block}.resnets.{place}", before, width)
            before = width
        if level + 1 < len(widths):
            yield from layer(f"{block}.downsamplers.0.conv", width, width, 3, 3)
    yield from _middle("encoder", facts)
    yield from layer("encoder.conv_norm_out", top)
    yield from layer("encoder.conv_out", 2 * facts.channels, top, 3, 3)
    if facts.has_quant:
        yield from layer("quant_conv", 2 * facts.channels, 2 * facts.channels, 1, 1)
    if facts.has_post_quant:
        yield from layer("post_quant_conv", facts.channels, facts.channels, 1, 1)
    yield from layer("decoder.conv_in", top, facts.channels, 3, 3)
    yield from _middle("decoder", facts)
    before = top
    for level, width in enumerate(reversed(widths)):
        block = f"decoder.up_blocks.{level}"
        for place in range(facts.layers + 1):
            yield from _residual_block(f"{block}.resnets.{place}", before, width)
            before = width
        if level + 1 < len(widths):
            yield from layer(f"{block}.upsamplers.0.conv", width, width, 3, 3)
    yield from layer("decoder.conv_norm_out", widths[0])
    yield from layer("decoder.conv_out", _COLOURS, widths[0], 3, 3)


def _middle(side: str, facts: AutoencoderFacts) -> Tensors:
    block, width = f"{side}.mid_block", facts.widths[-1]
    yield from _residual_block(f"{block}.resnets.0", width, width)
    if facts.attends:
        yield from layer(f"{block}.attentions.0.group_norm", width)
        for projection in ("to_q", "to_k", "to_v", "to_out.0"):
            yield from layer(f"{block}.attentions.0.{projection}", width, width)
    yield from _residual_block(f"{block}.resnets.1", width, width)


def _residual_block(name: str, before: int, after: int) -> Tensors:
    yield from layer(f"{name}.norm1", before)
    yield from layer(f"{name}.conv1", after, before, 3, 3)
    yield from layer(f"{name}.norm2", after)
    yield from layer(f"{name}.conv2", after, after, 3, 3)
    if before != after:
        yield from layer(f"{name}.conv_shortcut", after, before, 1, 1)
