"""The two namings of a CLIP text encoder's modules: open_clip's, and that of transformers."""

import re
from collections.abc import Iterator, Mapping

from domain.checkpoints.header_values import TensorFacts

__all__ = ["IN_LAYER", "OUTSIDE", "open_clip_names", "transformers_tensors", "used_layers"]

_LAYER = re.compile(r"transformer\.resblocks\.(\d{1,4})\.(.+)", re.ASCII)
IN_LAYER = {
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
}
"""transformers' names of the modules of a layer, by open_clip's."""
OUTSIDE = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
"""transformers' names of the tensors outside the layers, by open_clip's."""
_PROJECTION = "text_projection"
_FUSED = re.compile(r"attn\.in_proj_(weight|bias)")
_QKV = ("q_proj", "k_proj", "v_proj")
_LAYERS_OF_SD_2 = 23


def transformers_tensors(tensors: Mapping[str, TensorFacts]) -> dict[str, TensorFacts]:
    """Return the tensors of an open_clip text encoder as transformers names and divides them.

    open_clip keeps the projections of an attention in one tensor (`nn.MultiheadAttention`), and its
    last projection transposed. A tensor with another name is left out.
    """
    return dict(_renamed(tensors))


def used_layers(tensors: Mapping[str, TensorFacts]) -> dict[str, TensorFacts]:
    """Return the tensors of Stable Diffusion 2's text encoder that have an effect.

    That model reads the output of the last layer but one of 24
    (Stability-AI/stablediffusion, `FrozenOpenCLIPEmbedder` with `layer="penultimate"`).
    """
    return {
        name: each
        for name, each in tensors.items()
        if not (match := _LAYER.fullmatch(name)) or int(match[1]) < _LAYERS_OF_SD_2
    }


def open_clip_names(module: str) -> Iterator[str]:
    """Yield open_clip's names of a module with transformers' name, as far as it has them."""
    for original, own in IN_LAYER.items():
        if module.startswith("encoder.layers.") and module.endswith(f".{own}"):
            layer = module.removeprefix("encoder.layers.").removesuffix(f".{own}")
            yield f"transformer.resblocks.{layer}.{original}"


def _renamed(tensors: Mapping[str, TensorFacts]) -> Iterator[tuple[str, TensorFacts]]:
    for name, each in tensors.items():
        if name in OUTSIDE:
            yield OUTSIDE[name], each
        elif name == _PROJECTION:
            yield f"{_PROJECTION}.weight", TensorFacts(each.dtype, each.shape[::-1])
        elif match := _LAYER.fullmatch(name):
            yield from _layer(f"encoder.layers.{match[1]}", match[2], each)


def _layer(layer: str, rest: str, facts: TensorFacts) -> Iterator[tuple[str, TensorFacts]]:
    fused = _FUSED.fullmatch(rest)
    if fused is not None and facts.shape:
        shape = (facts.shape[0] // len(_QKV), *facts.shape[1:])
        for projection in _QKV:
            yield f"{layer}.self_attn.{projection}.{fused[1]}", TensorFacts(facts.dtype, shape)
        return
    module, _, parameter = rest.rpartition(".")
    if module in IN_LAYER:
        yield f"{layer}.{IN_LAYER[module]}.{parameter}", facts
