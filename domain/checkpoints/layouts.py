"""Every tensor of the published checkpoints: names and shapes, as `from_single_file` needs them.

The names are those of the original code: the UNet's and VAE's from CompVis/stable-diffusion
(`openaimodel.py`, `model.py`), the text encoders' from transformers' CLIP and from open_clip, the
prefixes from CompVis, Stability-AI/stablediffusion and Stability-AI/generative-models. A contract
test converts them with diffusers and finds each tensor of each model.
"""

from collections.abc import Mapping
from functools import lru_cache

from domain.checkpoints.families import FAMILIES, TextEncoderFacts
from domain.checkpoints.unets.facts import UnetFacts
from domain.checkpoints.unets.layers import Shape, Tensors, layer
from domain.checkpoints.unets.tensors import UNET, unet_tensors
from domain.models.record import ModelFamily

__all__ = ["Shape", "checkpoint_parts"]

_TOKENS, _POSITIONS = 49408, 77


@lru_cache(maxsize=32)
def checkpoint_parts(
    family: ModelFamily, unet: UnetFacts | None = None
) -> Mapping[str, Mapping[str, Shape]]:
    """Return the tensors that a checkpoint of the family must have, by part ("UNet", "VAE", …).

    Args:
        family: The family.
        unet: The UNet of the checkpoint, if it is another than the family's.

    Raises:
        KeyError: The family cannot be loaded from a single file.
    """
    facts = FAMILIES[family]
    parts = {
        "UNet": dict(_prefixed(UNET, unet_tensors(unet or facts.unet))),
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


def _text_encoder(place: str, encoder: TextEncoderFacts) -> Tensors:
    if not encoder.is_open_clip:
        clip = _clip(encoder.width, encoder.layers)
        yield from _prefixed(f"{place}transformer.text_model.", clip)
        return
    yield from _prefixed(f"{place}model.", _open_clip(encoder.width, encoder.layers))
    if encoder.projected:
        yield f"{place}model.text_projection", (encoder.width, encoder.projection)


def _prefixed(prefix: str, tensors: Tensors) -> Tensors:
    return ((prefix + name, shape) for name, shape in tensors)


def _vae() -> Tensors:
    widths, channels = (128, 256, 512, 512), 128
    yield from layer("encoder.conv_in", 128, 3, 3, 3)
    for level, width in enumerate(widths):
        for position in range(2):
            yield from _vae_residual(f"encoder.down.{level}.block.{position}", channels, width)
            channels = width
        if level < 3:
            yield from layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    yield from _vae_middle("encoder", 512)
    yield from layer("encoder.norm_out", 512)
    yield from layer("encoder.conv_out", 8, 512, 3, 3)
    yield from layer("quant_conv", 8, 8, 1, 1)
    yield from layer("post_quant_conv", 4, 4, 1, 1)
    yield from layer("decoder.conv_in", 512, 4, 3, 3)
    yield from _vae_middle("decoder", 512)
    for level, width in reversed(list(enumerate(widths))):
        for position in range(3):
            yield from _vae_residual(f"decoder.up.{level}.block.{position}", channels, width)
            channels = width
        if level:
            yield from layer(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    yield from layer("decoder.norm_out", 128)
    yield from layer("decoder.conv_out", 3, 128, 3, 3)


def _vae_residual(name: str, before: int, after: int) -> Tensors:
    yield from layer(f"{name}.norm1", before)
    yield from layer(f"{name}.conv1", after, before, 3, 3)
    yield from layer(f"{name}.norm2", after)
    yield from layer(f"{name}.conv2", after, after, 3, 3)
    if before != after:
        yield from layer(f"{name}.nin_shortcut", after, before, 1, 1)


def _vae_middle(name: str, width: int) -> Tensors:
    yield from _vae_residual(f"{name}.mid.block_1", width, width)
    yield from layer(f"{name}.mid.attn_1.norm", width)
    for projection in ("q", "k", "v", "proj_out"):
        yield from layer(f"{name}.mid.attn_1.{projection}", width, width, 1, 1)
    yield from _vae_residual(f"{name}.mid.block_2", width, width)


def _clip(width: int, layers: int) -> Tensors:
    yield "embeddings.token_embedding.weight", (_TOKENS, width)
    yield "embeddings.position_embedding.weight", (_POSITIONS, width)
    for index in range(layers):
        block = f"encoder.layers.{index}"
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from layer(f"{block}.self_attn.{projection}", width, width)
        yield from layer(f"{block}.mlp.fc1", 4 * width, width)
        yield from layer(f"{block}.mlp.fc2", width, 4 * width)
        yield from layer(f"{block}.layer_norm1", width)
        yield from layer(f"{block}.layer_norm2", width)
    yield from layer("final_layer_norm", width)


def _open_clip(width: int, layers: int) -> Tensors:
    yield "token_embedding.weight", (_TOKENS, width)
    yield "positional_embedding", (_POSITIONS, width)
    for index in range(layers):
        block = f"transformer.resblocks.{index}"
        yield f"{block}.attn.in_proj_weight", (3 * width, width)
        yield f"{block}.attn.in_proj_bias", (3 * width,)
        yield from layer(f"{block}.attn.out_proj", width, width)
        yield from layer(f"{block}.mlp.c_fc", 4 * width, width)
        yield from layer(f"{block}.mlp.c_proj", width, 4 * width)
        yield from layer(f"{block}.ln_1", width)
        yield from layer(f"{block}.ln_2", width)
    yield from layer("ln_final", width)
