"""The tensors of a UNet by the names of the original code (CompVis, `openaimodel.py`)."""

from domain.checkpoints.unets.facts import UnetFacts
from domain.checkpoints.unets.layers import Tensors, attention, layer

__all__ = ["UNET", "unet_tensors"]

UNET = "model.diffusion_model."
"""The beginning of the names of a UNet's tensors in a checkpoint."""


def unet_tensors(unet: UnetFacts) -> Tensors:
    """Yield the name and the shape of each tensor, without the prefix of the UNet."""
    width, embedding = unet.widths[0], 4 * unet.widths[0]
    yield from layer("time_embed.0", embedding, width)
    yield from layer("time_embed.2", embedding, embedding)
    if unet.guided is not None:
        yield "time_embed.cond_proj.weight", (width, unet.guided)
    if unet.label is not None:
        yield from layer("label_emb.0.0", embedding, unet.label)
        yield from layer("label_emb.0.2", embedding, embedding)
    yield from layer("input_blocks.0.0", width, unet.in_channels, 3, 3)
    skips = [width]
    yield from _down(unet, skips, embedding)
    yield from _middle(unet, embedding)
    yield from _up(unet, skips, embedding)
    yield from layer("out.0", width)
    yield from layer("out.2", 4, width, 3, 3)


def _down(unet: UnetFacts, skips: list[int], embedding: int) -> Tensors:
    block, channels = 1, unet.widths[0]
    for level, (width, depths) in enumerate(zip(unet.widths, unet.down, strict=True)):
        for depth in depths:
            yield from _residual(f"input_blocks.{block}.0", channels, width, embedding)
            channels = width
            yield from _attention(f"input_blocks.{block}.1", channels, depth, unet)
            skips.append(channels)
            block += 1
        if level + 1 < len(unet.widths):
            yield from layer(f"input_blocks.{block}.0.op", channels, channels, 3, 3)
            skips.append(channels)
            block += 1


def _middle(unet: UnetFacts, embedding: int) -> Tensors:
    channels = unet.widths[-1]
    if unet.middle is None:
        return
    yield from _residual("middle_block.0", channels, channels, embedding)
    if unet.middle:
        yield from _attention("middle_block.1", channels, unet.middle, unet)
        yield from _residual("middle_block.2", channels, channels, embedding)


def _up(unet: UnetFacts, skips: list[int], embedding: int) -> Tensors:
    block, channels = 0, unet.widths[-1]
    for width, depths in zip(reversed(unet.widths), unet.up, strict=True):
        for position, depth in enumerate(depths, start=1):
            name = f"output_blocks.{block}"
            yield from _residual(f"{name}.0", channels + skips.pop(), width, embedding)
            channels = width
            yield from _attention(f"{name}.1", channels, depth, unet)
            if skips and position == len(depths):
                yield from layer(f"{name}.{2 if depth else 1}.conv", channels, channels, 3, 3)
            block += 1


def _residual(name: str, before: int, after: int, embedding: int) -> Tensors:
    yield from layer(f"{name}.in_layers.0", before)
    yield from layer(f"{name}.in_layers.2", after, before, 3, 3)
    yield from layer(f"{name}.emb_layers.1", after, embedding)
    yield from layer(f"{name}.out_layers.0", after)
    yield from layer(f"{name}.out_layers.3", after, after, 3, 3)
    if before != after:
        yield from layer(f"{name}.skip_connection", after, before, 1, 1)


def _attention(name: str, width: int, depth: int, unet: UnetFacts) -> Tensors:
    if depth:
        yield from attention(name, width, depth, context=unet.context, linear=unet.linear)
