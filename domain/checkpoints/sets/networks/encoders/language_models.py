"""The text encoders Qwen3, Qwen2.5-VL and Gemma 2, in the names of transformers.

A language model reads the prompt, and the transformer takes its hidden states. So what makes words
of them (`lm_head`), and what reads pictures (`visual`), changes no picture here and is left out.
ComfyUI's files have these names too: `qwen_3_4b.safetensors`, `qwen_2.5_vl_7b.safetensors` and
`gemma_2_2b_fp16.safetensors`.

The facts that no header tells are those of `config.json` of Qwen/Qwen3-4B and Qwen/Qwen3-8B, of
Qwen/Qwen2.5-VL-7B-Instruct, and of google/gemma-2-2b.
"""

import re
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import width_of
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["gemma_2_layout", "qwen_2_5_vl_layout", "qwen_3_layout"]

_MOST_LAYERS = 128
_PREFIXES = ("model.language_model.", "language_model.model.", "language_model.", "model.", "")
"""What may precede the names of a language model, the longest first."""
_UNREAD = re.compile(
    r"(?:model\.)?visual\.|(?:language_model\.)?lm_head\.|.*\.rotary_emb\.inv_freq$|"
    r"(?:spiece_model|tekken_model|logit_scale)$"
)
"""Tensors that the hidden states do not depend on: see the module. `inv_freq` is computed;
`spiece_model` is a tokenizer."""
_GEMMA_HEAD = 256
_QWEN_2_5_VOCABULARY, _QWEN_3_VOCABULARY = 151_665, 151_669
"""The tokens of each `tokenizer.json`. The published files have unused rows more."""
_QWEN_2_5_HEAD, _SECTIONS = 128, [16, 24, 24]
"""Numbers of an attention head, and pairs of them that turn with time, height and width."""


def qwen_3_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a `Qwen3Model`.

    Raises:
        UnusableNetwork: It is not one.
    """
    places, network, left_out = _places(tensors)
    head = width_of(network, "layers.0.self_attn.q_norm.weight")
    config = {
        **_sizes(network, head, _QWEN_3_VOCABULARY),
        "head_dim": head,
        "max_position_embeddings": 40960,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
        "attention_bias": False,
        "use_sliding_window": False,
        "hidden_act": "silu",
    }
    return NetworkLayout(config, places, left_out)


def qwen_2_5_vl_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a `Qwen2_5_VLTextModel`.

    Raises:
        UnusableNetwork: It is not one.
    """
    places, network, left_out = _places(tensors)
    shape_in(network, "layers.0.self_attn.q_proj.bias", 1)
    config = {
        **_sizes(network, _QWEN_2_5_HEAD, _QWEN_2_5_VOCABULARY),
        "max_position_embeddings": 128_000,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1_000_000.0,
            "mrope_section": list(_SECTIONS),
        },
        "use_sliding_window": False,
        "hidden_act": "silu",
    }
    return NetworkLayout(config, places, left_out)


def gemma_2_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a `Gemma2Model`.

    Raises:
        UnusableNetwork: It is not one.
    """
    places, network, left_out = _places(tensors)
    shape_in(network, "layers.0.pre_feedforward_layernorm.weight", 1)
    config = {
        **_sizes(network, _GEMMA_HEAD),
        "head_dim": _GEMMA_HEAD,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "query_pre_attn_scalar": 256,
        "sliding_window": 4096,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "attention_bias": False,
        "hidden_activation": "gelu_pytorch_tanh",
    }
    return NetworkLayout(config, places, left_out)


def _places(
    tensors: Mapping[str, TensorFacts],
) -> tuple[dict[str, Place], dict[str, TensorFacts], frozenset[str]]:
    left_out = frozenset(name for name in tensors if _UNREAD.match(name))
    prefix = next((each for each in _PREFIXES if f"{each}embed_tokens.weight" in tensors), None)
    if prefix is None:
        raise UnusableNetwork("its tensor model.embed_tokens.weight is missing")
    places = {name.removeprefix(prefix): Place(name) for name in tensors if name not in left_out}
    network = {name: tensors[place.name] for name, place in places.items()}
    return places, network, left_out


def _sizes(network: Mapping[str, TensorFacts], head: int, vocabulary: int = 0) -> dict[str, object]:
    """Return what the shapes tell, for attention heads of `head` numbers.

    Args:
        network: The tensors.
        head: The numbers of an attention head.
        vocabulary: The tokens that the tokenizer gives at least.

    Raises:
        UnusableNetwork: Its table of tokens is shorter, or its heads have other numbers.
    """
    tokens, width = shape_in(network, "embed_tokens.weight", 2)
    if tokens < vocabulary:
        raise UnusableNetwork(
            f"its vocabulary has {tokens} tokens, and that of its tokenizer {vocabulary}"
        )
    queries = shape_in(network, "layers.0.self_attn.q_proj.weight", 2)[0]
    keys = shape_in(network, "layers.0.self_attn.k_proj.weight", 2)[0]
    if queries % head or keys % head or queries % keys:
        raise UnusableNetwork(
            f"its attention has {queries} numbers of queries and {keys} of keys; each head has "
            f"{head}"
        )
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": shape_in(network, "layers.0.mlp.gate_proj.weight", 2)[0],
        "num_hidden_layers": count_of(network, "layers.", _MOST_LAYERS),
        "num_attention_heads": queries // head,
        "num_key_value_heads": keys // head,
    }
