"""The tensors of published files, by name and shape, in the names of their authors' code.

Written from black-forest-labs/flux (`model.py`, `modules/layers.py`), Stability-AI/sd3.5
(`mmditx.py`, `other_impls.py`), the Chroma of lodestone-rock/flow and openai/CLIP (`model.py`).
"""

from collections.abc import Iterator

__all__ = ["chroma", "clip", "flux", "open_clip", "sd3", "t5", "vae"]

Shape = tuple[int, ...]
Table = dict[str, Shape]


def _linear(name: str, rows: int, columns: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (rows, columns)
    yield f"{name}.bias", (rows,)


def _flux_blocks(
    width: int, doubles: int, singles: int, *, modulated: bool, head: int
) -> Iterator[tuple[str, Shape]]:
    for number in range(doubles):
        for side in ("img", "txt"):
            block = f"double_blocks.{number}.{side}"
            if modulated:
                yield from _linear(f"{block}_mod.lin", 6 * width, width)
            yield from _linear(f"{block}_attn.qkv", 3 * width, width)
            yield f"{block}_attn.norm.query_norm.scale", (head,)
            yield f"{block}_attn.norm.key_norm.scale", (head,)
            yield from _linear(f"{block}_attn.proj", width, width)
            yield from _linear(f"{block}_mlp.0", 4 * width, width)
            yield from _linear(f"{block}_mlp.2", width, 4 * width)
    for number in range(singles):
        block = f"single_blocks.{number}"
        if modulated:
            yield from _linear(f"{block}.modulation.lin", 3 * width, width)
        yield from _linear(f"{block}.linear1", 7 * width, width)
        yield from _linear(f"{block}.linear2", width, 5 * width)
        yield f"{block}.norm.query_norm.scale", (head,)
        yield f"{block}.norm.key_norm.scale", (head,)


def flux(
    *,
    guidance: bool,
    width: int = 3072,
    doubles: int = 19,
    singles: int = 38,
    text: int = 4096,
    pooled: int = 768,
) -> Table:
    """FLUX.1 dev (with guidance) or schnell."""

    def all_of() -> Iterator[tuple[str, Shape]]:
        yield from _linear("img_in", width, 64)
        yield from _linear("txt_in", width, text)
        inputs = [("time_in", 256), ("vector_in", pooled), *([("guidance_in", 256)] * guidance)]
        for name, columns in inputs:
            yield from _linear(f"{name}.in_layer", width, columns)
            yield from _linear(f"{name}.out_layer", width, width)
        yield from _flux_blocks(width, doubles, singles, modulated=True, head=128)
        yield from _linear("final_layer.adaLN_modulation.1", 2 * width, width)
        yield from _linear("final_layer.linear", 64, width)

    return dict(all_of())


def chroma(
    *,
    width: int = 3072,
    doubles: int = 19,
    singles: int = 38,
    text: int = 4096,
    hidden: int = 5120,
    layers: int = 5,
) -> Table:
    """Chroma."""

    def all_of() -> Iterator[tuple[str, Shape]]:
        yield from _linear("img_in", width, 64)
        yield from _linear("txt_in", width, text)
        guide = "distilled_guidance_layer"
        yield from _linear(f"{guide}.in_proj", hidden, 64)
        yield from _linear(f"{guide}.out_proj", width, hidden)
        for number in range(layers):
            yield from _linear(f"{guide}.layers.{number}.in_layer", hidden, hidden)
            yield from _linear(f"{guide}.layers.{number}.out_layer", hidden, hidden)
            yield f"{guide}.norms.{number}.scale", (hidden,)
        yield from _flux_blocks(width, doubles, singles, modulated=False, head=128)
        yield from _linear("final_layer.linear", 64, width)

    return dict(all_of())


def sd3(
    *,
    depth: int,
    positions: int = 192,
    dual: int = 0,
    normed: bool = True,
    text: int = 4096,
    pooled: int = 2048,
    width: int | None = None,
) -> Table:
    """Stable Diffusion 3 medium (24 layers, not normed), 3.5 medium (24, 13 dual) or large (38)."""
    inner = 64 * depth if width is None else width

    def side(block: str, *, is_last: bool, is_dual: bool) -> Iterator[tuple[str, Shape]]:
        chunks = 2 if is_last else 9 if is_dual else 6
        yield from _linear(f"{block}.adaLN_modulation.1", chunks * inner, inner)
        for attention in ("attn", "attn2") if is_dual else ("attn",):
            yield from _linear(f"{block}.{attention}.qkv", 3 * inner, inner)
            if normed:
                yield f"{block}.{attention}.ln_q.weight", (64,)
                yield f"{block}.{attention}.ln_k.weight", (64,)
            if not is_last:
                yield from _linear(f"{block}.{attention}.proj", inner, inner)
        if not is_last:
            yield from _linear(f"{block}.mlp.fc1", 4 * inner, inner)
            yield from _linear(f"{block}.mlp.fc2", inner, 4 * inner)

    def all_of() -> Iterator[tuple[str, Shape]]:
        yield "pos_embed", (1, positions**2, inner)
        yield "x_embedder.proj.weight", (inner, 16, 2, 2)
        yield "x_embedder.proj.bias", (inner,)
        for name, columns in (("t_embedder", 256), ("y_embedder", pooled)):
            yield from _linear(f"{name}.mlp.0", inner, columns)
            yield from _linear(f"{name}.mlp.2", inner, inner)
        yield from _linear("context_embedder", inner, text)
        for number in range(depth):
            block = f"joint_blocks.{number}"
            last = number == depth - 1
            yield from side(f"{block}.context_block", is_last=last, is_dual=False)
            yield from side(f"{block}.x_block", is_last=False, is_dual=number < dual)
        yield from _linear("final_layer.adaLN_modulation.1", 2 * inner, inner)
        yield from _linear("final_layer.linear", 64, inner)

    return dict(all_of())


def t5(
    *, width: int = 4096, hidden: int = 10240, layers: int = 24, heads: int = 64, head: int = 64
) -> Table:
    """The encoder of T5 1.1 XXL, in the names of transformers."""

    def all_of() -> Iterator[tuple[str, Shape]]:
        yield "shared.weight", (32128, width)
        for number in range(layers):
            attention = f"encoder.block.{number}.layer.0"
            for name in ("q", "k", "v"):
                yield f"{attention}.SelfAttention.{name}.weight", (heads * head, width)
            yield f"{attention}.SelfAttention.o.weight", (width, heads * head)
            if number == 0:
                yield f"{attention}.SelfAttention.relative_attention_bias.weight", (32, heads)
            yield f"{attention}.layer_norm.weight", (width,)
            dense = f"encoder.block.{number}.layer.1"
            yield f"{dense}.DenseReluDense.wi_0.weight", (hidden, width)
            yield f"{dense}.DenseReluDense.wi_1.weight", (hidden, width)
            yield f"{dense}.DenseReluDense.wo.weight", (width, hidden)
            yield f"{dense}.layer_norm.weight", (width,)
        yield "encoder.final_layer_norm.weight", (width,)

    return dict(all_of())


def clip(*, width: int = 768, layers: int = 12, projected: bool = False) -> Table:
    """A text encoder of CLIP in the names of transformers: CLIP-L, or CLIP-G (1280, 32)."""

    def all_of() -> Iterator[tuple[str, Shape]]:
        yield "text_model.embeddings.token_embedding.weight", (49408, width)
        yield "text_model.embeddings.position_embedding.weight", (77, width)
        for number in range(layers):
            layer = f"text_model.encoder.layers.{number}"
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                yield from _linear(f"{layer}.self_attn.{name}", width, width)
            yield from _linear(f"{layer}.mlp.fc1", 4 * width, width)
            yield from _linear(f"{layer}.mlp.fc2", width, 4 * width)
            for name in ("layer_norm1", "layer_norm2"):
                yield f"{layer}.{name}.weight", (width,)
                yield f"{layer}.{name}.bias", (width,)
        yield "text_model.final_layer_norm.weight", (width,)
        yield "text_model.final_layer_norm.bias", (width,)
        if projected:
            yield "text_projection.weight", (width, width)

    return dict(all_of())


def open_clip(*, width: int = 1280, layers: int = 32) -> Table:
    """A text encoder of CLIP in the names of OpenCLIP and of OpenAI."""

    def all_of() -> Iterator[tuple[str, Shape]]:
        yield "token_embedding.weight", (49408, width)
        yield "positional_embedding", (77, width)
        yield "text_projection", (width, width)
        yield "logit_scale", ()
        for number in range(layers):
            block = f"transformer.resblocks.{number}"
            yield f"{block}.attn.in_proj_weight", (3 * width, width)
            yield f"{block}.attn.in_proj_bias", (3 * width,)
            yield from _linear(f"{block}.attn.out_proj", width, width)
            yield from _linear(f"{block}.mlp.c_fc", 4 * width, width)
            yield from _linear(f"{block}.mlp.c_proj", width, 4 * width)
            for name in ("ln_1", "ln_2"):
                yield f"{block}.{name}.weight", (width,)
                yield f"{block}.{name}.bias", (width,)
        yield "ln_final.weight", (width,)
        yield "ln_final.bias", (width,)

    return dict(all_of())


def vae(*, widths: tuple[int, ...] = (128, 256, 512, 512), channels: int = 16) -> Table:
    """The autoencoder of FLUX.1 or Stable Diffusion 3 (`ae.safetensors`)."""

    def convolution(name: str, rows: int, columns: int, side: int) -> Iterator[tuple[str, Shape]]:
        yield f"{name}.weight", (rows, columns, side, side)
        yield f"{name}.bias", (rows,)

    def norm(name: str, width: int) -> Iterator[tuple[str, Shape]]:
        yield f"{name}.weight", (width,)
        yield f"{name}.bias", (width,)

    def block(name: str, before: int, after: int) -> Iterator[tuple[str, Shape]]:
        yield from norm(f"{name}.norm1", before)
        yield from convolution(f"{name}.conv1", after, before, 3)
        yield from norm(f"{name}.norm2", after)
        yield from convolution(f"{name}.conv2", after, after, 3)
        if before != after:
            yield from convolution(f"{name}.nin_shortcut", after, before, 1)

    def middle(side: str) -> Iterator[tuple[str, Shape]]:
        top = widths[-1]
        yield from block(f"{side}.mid.block_1", top, top)
        yield from norm(f"{side}.mid.attn_1.norm", top)
        for name in ("q", "k", "v", "proj_out"):
            yield from convolution(f"{side}.mid.attn_1.{name}", top, top, 1)
        yield from block(f"{side}.mid.block_2", top, top)

    def all_of() -> Iterator[tuple[str, Shape]]:
        top, levels = widths[-1], len(widths)
        yield from convolution("encoder.conv_in", widths[0], 3, 3)
        before = widths[0]
        for level, width in enumerate(widths):
            for number in range(2):
                yield from block(f"encoder.down.{level}.block.{number}", before, width)
                before = width
            if level + 1 < levels:
                yield from convolution(f"encoder.down.{level}.downsample.conv", width, width, 3)
        yield from middle("encoder")
        yield from norm("encoder.norm_out", top)
        yield from convolution("encoder.conv_out", 2 * channels, top, 3)
        yield from convolution("decoder.conv_in", top, channels, 3)
        yield from middle("decoder")
        before = top
        for level in reversed(range(levels)):
            for number in range(3):
                yield from block(f"decoder.up.{level}.block.{number}", before, widths[level])
                before = widths[level]
            if level:
                yield from convolution(f"decoder.up.{level}.upsample.conv", before, before, 3)
        yield from norm("decoder.norm_out", widths[0])
        yield from convolution("decoder.conv_out", 3, widths[0], 3)

    return dict(all_of())
