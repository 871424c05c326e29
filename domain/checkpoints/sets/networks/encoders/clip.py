"""CLIP's text encoders, in the names of transformers and of OpenCLIP.

Sources: openai/CLIP (`model.py`), mlfoundations/open_clip (`transformer.py`), and the published
configurations of stabilityai/stable-diffusion-3-medium-diffusers (`text_encoder`,
`text_encoder_2`).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import (
    LayoutOf,
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)
from domain.checkpoints.sets.networks.renaming import Blocks, Names, renamed

__all__ = ["clip_layout"]

_LAYERS, _HEAD = 200, 64
_WRAPPER = "text_model."
_PROJECTION = "text_projection.weight"
_HARMLESS = re.compile(
    r"(^|\.)position_ids$|^(logit_scale|attn_mask|scaled_fp8)$|^visual_projection\.|^vision_model\."
    r"|^visual\."
)
"""Numbers that are counted and not read, CLIP's temperature, and its half that sees pictures."""
_BLOCK = Names(
    plain=MappingProxyType(
        {
            "ln_1": "layer_norm1",
            "ln_2": "layer_norm2",
            "attn.out_proj": "self_attn.out_proj",
            "mlp.c_fc": "mlp.fc1",
            "mlp.c_proj": "mlp.fc2",
        }
    ),
)
_TOP = Names(
    plain=MappingProxyType(
        {"token_embedding": "embeddings.token_embedding", "ln_final": "final_layer_norm"}
    ),
    whole=MappingProxyType({"positional_embedding": "embeddings.position_embedding.weight"}),
)
_BLOCKS = (Blocks("resblocks", "encoder.layers", _BLOCK),)
_OPEN_CLIP = "transformer.resblocks."


def clip_layout(activation: str, *, projection: str | None = None) -> LayoutOf:
    """Return the function that finds a text encoder of CLIP in a file.

    Args:
        activation: `quick_gelu` for OpenAI's CLIP-L, `gelu` for OpenCLIP's.
        projection: What the network does after its last layer: None for `CLIPTextModel`, which
            leaves the vector as it is. `file` for `CLIPTextModelWithProjection`, which multiplies
            it with the file's matrix, and `identity` for the same class that leaves it as it is.
    """

    def layout_of(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
        places = _open_clip(tensors) if _is_open_clip(tensors) else _of_transformers(tensors)
        config = _config(tensors, places, activation)
        left_out = {name for name in tensors if _HARMLESS.search(name)}
        matrix = next((name for name in (_PROJECTION, "text_projection") if name in tensors), None)
        if projection is None:
            return NetworkLayout(config, places, frozenset({*left_out, *filter(None, [matrix])}))
        wrapped = {f"{_WRAPPER}{own}": place for own, place in places.items()}
        if projection == "identity":
            left_out |= {matrix} if matrix else set()
            return NetworkLayout(
                config, wrapped, frozenset(left_out), identities=frozenset({_PROJECTION})
            )
        if matrix is None:
            raise UnusableNetwork(f"it is not a whole text encoder: it lacks {_PROJECTION}")
        config["projection_dim"] = shape_in(tensors, matrix, 2)[0 if matrix == _PROJECTION else 1]
        # OpenCLIP multiplies with the matrix from the other side.
        wrapped[_PROJECTION] = Place(matrix, is_transposed=matrix != _PROJECTION)
        return NetworkLayout(config, wrapped, frozenset(left_out))

    return layout_of


def _is_open_clip(tensors: Mapping[str, TensorFacts]) -> bool:
    return any(name.startswith(_OPEN_CLIP) for name in tensors)


def _of_transformers(tensors: Mapping[str, TensorFacts]) -> dict[str, Place]:
    """Return the places by the names of `CLIPTextModel`, which has no wrapper."""
    return {
        name.removeprefix(_WRAPPER): Place(name)
        for name in tensors
        if not _HARMLESS.search(name) and name != _PROJECTION
    }


def _open_clip(tensors: Mapping[str, TensorFacts]) -> dict[str, Place]:
    width = shape_in(tensors, "token_embedding.weight", 2)[1]
    short = {name.removeprefix("transformer."): name for name in tensors}
    found = renamed({name: tensors[own] for name, own in short.items()}, width, _TOP, _BLOCKS)
    places = {own: Place(short[place.name], place.rows) for own, place in found.items()}
    for name in tensors:
        block, _, kind = name.rpartition(".in_proj_")
        if name.startswith(_OPEN_CLIP) and block.endswith(".attn") and kind in ("weight", "bias"):
            own = block.removeprefix(_OPEN_CLIP).removesuffix(".attn")
            for number, part in enumerate(("q_proj", "k_proj", "v_proj")):
                places[f"encoder.layers.{own}.self_attn.{part}.{kind}"] = Place(
                    name, rows=(number * width, (number + 1) * width)
                )
    return places


def _config(
    tensors: Mapping[str, TensorFacts], places: Mapping[str, Place], activation: str
) -> dict[str, object]:
    shapes = {
        own: TensorFacts(tensors[place.name].dtype, place.shape_of(tensors[place.name].shape))
        for own, place in places.items()
    }
    vocabulary, width = shape_in(shapes, "embeddings.token_embedding.weight", 2)
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shape_in(shapes, "encoder.layers.0.mlp.fc1.weight", 2)[0],
        "projection_dim": width,
        "num_hidden_layers": count_of(shapes, "encoder.layers.", _LAYERS),
        "num_attention_heads": max(width // _HEAD, 1),
        "max_position_embeddings": shape_in(shapes, "embeddings.position_embedding.weight", 2)[0],
        "hidden_act": activation,
        "layer_norm_eps": 1e-5,
        # With this number for the end, transformers takes the vector of the largest token, which
        # is the end of a prompt.
        "eos_token_id": 2,
        "bos_token_id": 0,
        "pad_token_id": 1,
    }
