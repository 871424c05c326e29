"""The tensors of the layers that networks share, whatever names the blocks round them have."""

from collections.abc import Iterator

__all__ = ["Shape", "Tensors", "attention", "layer"]

Shape = tuple[int, ...]
Tensors = Iterator[tuple[str, Shape]]
"""Names of tensors, each with its shape."""


def layer(name: str, *weight: int) -> Tensors:
    """Yield a layer with weight and bias. With a single number it is a norm."""
    yield f"{name}.weight", weight
    yield f"{name}.bias", weight[:1]


def attention(name: str, width: int, depth: int, *, context: int, linear: bool) -> Tensors:
    """Yield the attention to the prompt after a residual block. It has one name in both layouts.

    Args:
        name: The name of the attention.
        width: Its channels.
        depth: Its transformer blocks.
        context: The width of the embedding of a token.
        linear: Whether its projections are linear layers and not convolutions.
    """
    projection = (width, width) if linear else (width, width, 1, 1)
    yield from layer(f"{name}.norm", width)
    yield from layer(f"{name}.proj_in", *projection)
    yield from layer(f"{name}.proj_out", *projection)
    for index in range(depth):
        block = f"{name}.transformer_blocks.{index}"
        for each, source in (("attn1", width), ("attn2", context)):
            yield f"{block}.{each}.to_q.weight", (width, width)
            yield f"{block}.{each}.to_k.weight", (width, source)
            yield f"{block}.{each}.to_v.weight", (width, source)
            yield from layer(f"{block}.{each}.to_out.0", width, width)
        yield from layer(f"{block}.ff.net.0.proj", 8 * width, width)
        yield from layer(f"{block}.ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            yield from layer(f"{block}.{norm}", width)
