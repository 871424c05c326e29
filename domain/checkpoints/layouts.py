"""Every tensor of the published checkpoints: names and shapes, as `from_single_file` needs them.

The names are those of the original code: the UNet's and VAE's from CompVis/stable-diffusion
(`openaimodel.py`, `model.py`), the text encoders' from transformers' CLIP and from open_clip, the
prefixes from CompVis, Stability-AI/stablediffusion and Stability-AI/generative-models. A contract
test converts them with diffusers and finds each tensor of each model.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from domain.checkpoints.families import FAMILIES, TextEncoderFacts, UnetFacts
from domain.models.record import ModelFamily

__all__ = ["Shape", "checkpoint_parts"]

Shape = tuple[int, ...]
_Tensors = Iterator[tuple[str, Shape]]

_TOKENS, _POSITIONS = 49408, 77


@cache
def checkpoint_parts(family: ModelFamily) -> Mapping[str, Mapping[str, Shape]]:
    """Return the tensors that a checkpoint of the family must have, by part ("UNet", "VAE", …).

    Raises:
        KeyError: The family cannot be loaded from a single file.
    """
    facts = FAMILIES[family]
    parts = {
        "UNet": dict(_prefixed("model.diffusion_model.", _unet(facts.unet))),
        "VAE": dict(_prefixed("first_stage_model.", _vae())),
    }
    places = (
        ("conditioner.embedders.0.", "conditioner.embedders.1.")
        if len(facts.text_encoders) > 1
        else ("cond_stage_model.",)
    )
    titles = ("text encoder", "second text encoder")
    for title, place, encoder in zip(titles, places, facts.text_encoders, strict=False):
        parts[title] = dict(_text_encoder(place, encoder))
    return parts


def _text_encoder(place: str, encoder: TextEncoderFacts) -> _Tensors:
    if not encoder.is_open_clip:
        clip = _clip(encoder.width, encoder.layers)
        yield from _prefixed(f"{place}transformer.text_model.", clip)
        return
    yield from _prefixed(f"{place}model.", _open_clip(encoder.width, encoder.layers))
    if encoder.projected:
        yield f"{place}model.text_projection", (encoder.width, encoder.projection)


def _prefixed(prefix: str, tensors: _Tensors) -> _Tensors:
    return ((prefix + name, shape) for name, shape in tensors)


def _layer(name: str, *weight: int) -> _Tensors:
    """Return a layer with weight and bias. With a single number it is a norm."""
    yield f"{name}.weight", weight
    yield f"{name}.bias", weight[:1]


def _unet(unet: UnetFacts) -> _Tensors:
    width, embedding = unet.widths[0], 4 * unet.widths[0]
    yield from _layer("time_embed.0", embedding, width)
    yield from _layer("time_embed.2", embedding, embedding)
    if unet.label is not None:
        yield from _layer("label_emb.0.0", embedding, unet.label)
        yield from _layer("label_emb.0.2", embedding, embedding)
    yield from _layer("input_blocks.0.0", width, unet.in_channels, 3, 3)
    skips, block, channels = [width], 1, width
    for level, level_width in enumerate(unet.widths):
        for _ in range(2):
            yield from _residual(f"input_blocks.{block}.0", channels, level_width, embedding)
            channels = level_width
            yield from _attention(f"input_blocks.{block}.1", channels, unet.depths[level], unet)
            skips.append(channels)
            block += 1
        if level + 1 < len(unet.widths):
            yield from _layer(f"input_blocks.{block}.0.op", channels, channels, 3, 3)
            skips.append(channels)
            block += 1
    yield from _residual("middle_block.0", channels, channels, embedding)
    yield from _attention("middle_block.1", channels, unet.middle_depth, unet)
    yield from _residual("middle_block.2", channels, channels, embedding)
    block = 0
    for level, level_width in reversed(list(enumerate(unet.widths))):
        for position in range(3):
            name, out = f"output_blocks.{block}", level_width
            yield from _residual(f"{name}.0", channels + skips.pop(), out, embedding)
            channels, depth = out, unet.depths[level]
            yield from _attention(f"{name}.1", channels, depth, unet)
            if level and position == 2:
                yield from _layer(f"{name}.{2 if depth else 1}.conv", channels, channels, 3, 3)
            block += 1
    yield from _layer("out.0", width)
    yield from _layer("out.2", 4, width, 3, 3)


def _residual(name: str, before: int, after: int, embedding: int) -> _Tensors:
    yield from _layer(f"{name}.in_layers.0", before)
    yield from _layer(f"{name}.in_layers.2", after, before, 3, 3)
    yield from _layer(f"{name}.emb_layers.1", after, embedding)
    yield from _layer(f"{name}.out_layers.0", after)
    yield from _layer(f"{name}.out_layers.3", after, after, 3, 3)
    if before != after:
        yield from _layer(f"{name}.skip_connection", after, before, 1, 1)


def _attention(name: str, width: int, depth: int, unet: UnetFacts) -> _Tensors:
    if not depth:
        return
    projection = (width, width) if unet.linear else (width, width, 1, 1)
    yield from _layer(f"{name}.norm", width)
    yield from _layer(f"{name}.proj_in", *projection)
    yield from _layer(f"{name}.proj_out", *projection)
    for index in range(depth):
        block = f"{name}.transformer_blocks.{index}"
        for attention, source in (("attn1", width), ("attn2", unet.context)):
            yield f"{block}.{attention}.to_q.weight", (width, width)
            yield f"{block}.{attention}.to_k.weight", (width, source)
            yield f"{block}.{attention}.to_v.weight", (width, source)
            yield from _layer(f"{block}.{attention}.to_out.0", width, width)
        yield from _layer(f"{block}.ff.net.0.proj", 8 * width, width)
        yield from _layer(f"{block}.ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            yield from _layer(f"{block}.{norm}", width)


def _vae() -> _Tensors:
    widths, channels = (128, 256, 512, 512), 128
    yield from _layer("encoder.conv_in", 128, 3, 3, 3)
    for level, width in enumerate(widths):
        for position in range(2):
            yield from _vae_residual(f"encoder.down.{level}.block.{position}", channels, width)
            channels = width
        if level < 3:
            yield from _layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    yield from _vae_middle("encoder", 512)
    yield from _layer("encoder.norm_out", 512)
    yield from _layer("encoder.conv_out", 8, 512, 3, 3)
    yield from _layer("quant_conv", 8, 8, 1, 1)
    yield from _layer("post_quant_conv", 4, 4, 1, 1)
    yield from _layer("decoder.conv_in", 512, 4, 3, 3)
    yield from _vae_middle("decoder", 512)
    for level, width in reversed(list(enumerate(widths))):
        for position in range(3):
            yield from _vae_residual(f"decoder.up.{level}.block.{position}", channels, width)
            channels = width
        if level:
            yield from _layer(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    yield from _layer("decoder.norm_out", 128)
    yield from _layer("decoder.conv_out", 3, 128, 3, 3)


def _vae_residual(name: str, before: int, after: int) -> _Tensors:
    yield from _layer(f"{name}.norm1", before)
    yield from _layer(f"{name}.conv1", after, before, 3, 3)
    yield from _layer(f"{name}.norm2", after)
    yield from _layer(f"{name}.conv2", after, after, 3, 3)
    if before != after:
        yield from _layer(f"{name}.nin_shortcut", after, before, 1, 1)


def _vae_middle(name: str, width: int) -> _Tensors:
    yield from _vae_residual(f"{name}.mid.block_1", width, width)
    yield from _layer(f"{name}.mid.attn_1.norm", width)
    for projection in ("q", "k", "v", "proj_out"):
        yield from _layer(f"{name}.mid.attn_1.{projection}", width, width, 1, 1)
    yield from _vae_residual(f"{name}.mid.block_2", width, width)


def _clip(width: int, layers: int) -> _Tensors:
    yield "embeddings.token_embedding.weight", (_TOKENS, width)
    yield "embeddings.position_embedding.weight", (_POSITIONS, width)
    for index in range(layers):
        layer = f"encoder.layers.{index}"
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from _layer(f"{layer}.self_attn.{projection}", width, width)
        yield from _layer(f"{layer}.mlp.fc1", 4 * width, width)
        yield from _layer(f"{layer}.mlp.fc2", width, 4 * width)
        yield from _layer(f"{layer}.layer_norm1", width)
        yield from _layer(f"{layer}.layer_norm2", width)
    yield from _layer("final_layer_norm", width)


def _open_clip(width: int, layers: int) -> _Tensors:
    yield "token_embedding.weight", (_TOKENS, width)
    yield "positional_embedding", (_POSITIONS, width)
    for index in range(layers):
        layer = f"transformer.resblocks.{index}"
        yield f"{layer}.attn.in_proj_weight", (3 * width, width)
        yield f"{layer}.attn.in_proj_bias", (3 * width,)
        yield from _layer(f"{layer}.attn.out_proj", width, width)
        yield from _layer(f"{layer}.mlp.c_fc", 4 * width, width)
        yield from _layer(f"{layer}.mlp.c_proj", width, 4 * width)
        yield from _layer(f"{layer}.ln_1", width)
        yield from _layer(f"{layer}.ln_2", width)
    yield from _layer("ln_final", width)
