"""The encoder of T5 1.1, as FLUX.1, Chroma and Stable Diffusion 3 read prompts with it.

Source: google/t5-v1_1-xxl (`config.json`), which the text encoders of these models are
(black-forest-labs/FLUX.1-dev, `text_encoder_2/config.json`).
"""

import re
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["T5_VOCABULARY", "has_t5_vocabulary", "t5_layout"]

_LAYERS = 200
T5_VOCABULARY = 32_100
"""The tokens of T5 1.1. Its files have a few unused rows more."""
_PADDED = 32_128
_SHARED, _EMBEDDED = "shared.weight", "encoder.embed_tokens.weight"
_ATTENTION = "encoder.block.0.layer.0.SelfAttention"
_HARMLESS = re.compile(r"^(decoder\.|lm_head\.|logit_scale$|scaled_fp8$|spiece_model$)")
"""The half of T5 that writes texts, and what ComfyUI and others store beside the encoder."""


def has_t5_vocabulary(tokens: int) -> bool:
    """Return whether a table of so many tokens is that of T5 1.1."""
    return T5_VOCABULARY <= tokens <= _PADDED


def t5_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the encoder of T5 1.1 (`T5EncoderModel`) in a file, in the names of transformers.

    Raises:
        UnusableNetwork: It is another network, such as mT5 or the first T5.
    """
    shared = _SHARED if _SHARED in tensors else _EMBEDDED
    vocabulary, width = shape_in(tensors, shared, 2)
    if not has_t5_vocabulary(vocabulary):
        raise UnusableNetwork(
            f"its vocabulary has {vocabulary} tokens, and that of T5 1.1 {T5_VOCABULARY}"
        )
    buckets, heads = shape_in(tensors, f"{_ATTENTION}.relative_attention_bias.weight", 2)
    left_out = frozenset(name for name in tensors if _HARMLESS.match(name))
    places = {name: Place(name) for name in tensors if name not in left_out}
    places.pop(_EMBEDDED, None)
    places[_SHARED] = Place(shared)
    config = {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": shape_in(tensors, f"{_ATTENTION}.q.weight", 2)[0] // heads,
        "d_ff": shape_in(tensors, "encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 2)[0],
        "num_layers": count_of(tensors, "encoder.block.", _LAYERS),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": 128,
        "layer_norm_epsilon": 1e-6,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": False,
        "tie_word_embeddings": False,
    }
    has_both = _SHARED in tensors and _EMBEDDED in tensors
    equal = ((_SHARED, _EMBEDDED),) if has_both else ()
    return NetworkLayout(config, places, left_out, equal)
