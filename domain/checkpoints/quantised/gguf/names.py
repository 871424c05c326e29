"""Names of the tensors of text encoders in GGUF files, and the names that a plain file has.

llama.cpp gives every network names of its own (gguf 0.19, `constants.py`, `TENSOR_NAMES`, and
`tensor_mapping.py`); these tables lead back to the names of transformers. The names of drawing
networks stay as they are: city96's `convert.py` (ComfyUI-GGUF) keeps those of the original code, as
do stable-diffusion.cpp's whole checkpoints.
"""

import re
from collections.abc import Iterable, Mapping

__all__ = ["added_to_norms", "plain_names"]

_T5_BLOCK = {
    "attn_norm": "layer.0.layer_norm",
    "attn_q": "layer.0.SelfAttention.q",
    "attn_k": "layer.0.SelfAttention.k",
    "attn_v": "layer.0.SelfAttention.v",
    "attn_o": "layer.0.SelfAttention.o",
    "attn_rel_b": "layer.0.SelfAttention.relative_attention_bias",
    "ffn_norm": "layer.1.layer_norm",
    "ffn_gate": "layer.1.DenseReluDense.wi_0",
    "ffn_up": "layer.1.DenseReluDense.wi_1",
    "ffn_down": "layer.1.DenseReluDense.wo",
}
_T5 = {"token_embd": "shared", "enc.output_norm": "encoder.final_layer_norm"}

_DECODER_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_GEMMA_2_BLOCK = {
    **_DECODER_BLOCK,
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_DECODER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}

# `llama` is left out: llama.cpp stores its queries and keys in another order (`LlamaModel.permute`
# of convert_hf_to_gguf.py), and no network here has its names. The networks below keep the order.
_BLOCKS: Mapping[str, tuple[str, str, Mapping[str, str], Mapping[str, str]]] = {
    **dict.fromkeys(("t5", "t5encoder"), ("enc.blk.", "encoder.block.", _T5_BLOCK, _T5)),
    **dict.fromkeys(
        ("qwen2", "qwen2vl", "qwen3"), ("blk.", "model.layers.", _DECODER_BLOCK, _DECODER)
    ),
    "gemma2": ("blk.", "model.layers.", _GEMMA_2_BLOCK, _DECODER),
}
_IN_BLOCK = re.compile(r"(\d{1,4})\.(\w+)\.(weight|bias)")


def plain_names(architecture: str | None, names: Iterable[str]) -> dict[str, str]:
    """Return the name that each tensor has in a plain file of the same model.

    Args:
        architecture: `general.architecture` of the metadata.
        names: The names of the tensors in the GGUF file.

    Returns:
        The plain names by the names in the file. A name that no table has stays as it is.
    """
    tables = _BLOCKS.get(architecture or "")
    if tables is None:
        return {name: name for name in names}
    found = list(names)
    begin, plain_begin, block, others = tables
    if architecture in ("t5", "t5encoder") and f"{begin}0.ffn_gate.weight" not in found:
        block = {**block, "ffn_up": "layer.1.DenseReluDense.wi"}  # T5 of 2019 has no gate
    return {name: _plain(name, begin, plain_begin, block, others) for name in found}


def _plain(
    name: str, begin: str, plain_begin: str, block: Mapping[str, str], others: Mapping[str, str]
) -> str:
    place, _, ending = name.rpartition(".")
    if place in others:
        return f"{others[place]}.{ending}"
    if name.startswith(begin) and (match := _IN_BLOCK.fullmatch(name.removeprefix(begin))):
        number, layer, ending = match.groups()
        if layer in block:
            return f"{plain_begin}{number}.{block[layer]}.{ending}"
    return name


def added_to_norms(architecture: str | None, name: str) -> float:
    """Return what the file adds to each number of a tensor.

    Gemma multiplies by a norm's weight and 1. llama.cpp stores the sum (convert_hf_to_gguf.py,
    `Gemma2Model.modify_tensors`); transformers adds the 1 itself.

    Args:
        architecture: As for `plain_names`.
        name: The plain name of the tensor.
    """
    is_norm = name.endswith(("layernorm.weight", "model.norm.weight"))
    return 1.0 if architecture == "gemma2" and is_norm else 0.0
