"""Names and shapes of GGUF files, and those of plain files of the same models."""

import io
import math
from collections.abc import Mapping

import pytest

from domain.checkpoints.quantised.gguf import GgufFile, read_gguf
from domain.checkpoints.quantised.gguf.names import plain_names
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file, list_of

F32 = 0

T5 = {
    "token_embd.weight": "shared.weight",
    "enc.output_norm.weight": "encoder.final_layer_norm.weight",
    "enc.blk.0.attn_rel_b.weight": (
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    ),
    "enc.blk.23.attn_q.weight": "encoder.block.23.layer.0.SelfAttention.q.weight",
    "enc.blk.23.attn_k.weight": "encoder.block.23.layer.0.SelfAttention.k.weight",
    "enc.blk.23.attn_v.weight": "encoder.block.23.layer.0.SelfAttention.v.weight",
    "enc.blk.23.attn_o.weight": "encoder.block.23.layer.0.SelfAttention.o.weight",
    "enc.blk.23.attn_norm.weight": "encoder.block.23.layer.0.layer_norm.weight",
    "enc.blk.0.ffn_gate.weight": "encoder.block.0.layer.1.DenseReluDense.wi_0.weight",
    "enc.blk.0.ffn_up.weight": "encoder.block.0.layer.1.DenseReluDense.wi_1.weight",
    "enc.blk.0.ffn_down.weight": "encoder.block.0.layer.1.DenseReluDense.wo.weight",
    "enc.blk.0.ffn_norm.weight": "encoder.block.0.layer.1.layer_norm.weight",
}
QWEN = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
    "blk.35.attn_q.weight": "model.layers.35.self_attn.q_proj.weight",
    "blk.35.attn_q.bias": "model.layers.35.self_attn.q_proj.bias",
    "blk.35.attn_k.weight": "model.layers.35.self_attn.k_proj.weight",
    "blk.35.attn_v.weight": "model.layers.35.self_attn.v_proj.weight",
    "blk.35.attn_output.weight": "model.layers.35.self_attn.o_proj.weight",
    "blk.35.attn_q_norm.weight": "model.layers.35.self_attn.q_norm.weight",
    "blk.35.attn_k_norm.weight": "model.layers.35.self_attn.k_norm.weight",
    "blk.35.attn_norm.weight": "model.layers.35.input_layernorm.weight",
    "blk.35.ffn_norm.weight": "model.layers.35.post_attention_layernorm.weight",
    "blk.35.ffn_gate.weight": "model.layers.35.mlp.gate_proj.weight",
    "blk.35.ffn_up.weight": "model.layers.35.mlp.up_proj.weight",
    "blk.35.ffn_down.weight": "model.layers.35.mlp.down_proj.weight",
}
GEMMA_2 = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "blk.0.attn_norm.weight": "model.layers.0.input_layernorm.weight",
    "blk.0.post_attention_norm.weight": "model.layers.0.post_attention_layernorm.weight",
    "blk.0.ffn_norm.weight": "model.layers.0.pre_feedforward_layernorm.weight",
    "blk.0.post_ffw_norm.weight": "model.layers.0.post_feedforward_layernorm.weight",
    "blk.0.attn_q.weight": "model.layers.0.self_attn.q_proj.weight",
    "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
}
NAMES = {"t5": T5, "t5encoder": T5, "qwen2vl": QWEN, "qwen3": QWEN, "gemma2": GEMMA_2}


@pytest.mark.parametrize("architecture", NAMES)
def test_names_of_llama_cpp_become_those_of_transformers(architecture: str) -> None:
    assert plain_names(architecture, NAMES[architecture]) == NAMES[architecture]


@pytest.mark.parametrize("architecture", ["t5encoder", "qwen2vl", "qwen3", "gemma2"])
def test_the_tables_are_those_of_the_library(architecture: str) -> None:
    gguf = pytest.importorskip("gguf")
    arch = {
        "t5encoder": gguf.MODEL_ARCH.T5ENCODER,
        "qwen2vl": gguf.MODEL_ARCH.QWEN2VL,
        "qwen3": gguf.MODEL_ARCH.QWEN3,
        "gemma2": gguf.MODEL_ARCH.GEMMA2,
    }[architecture]
    table = gguf.get_tensor_name_map(arch, 64)
    for name, plain in NAMES[architecture].items():
        is_known = plain != "shared.weight" and "layernorm" not in plain
        if is_known and not (architecture == "qwen2vl" and "_norm." in name):
            assert table.get_name(plain, try_suffixes=(".weight", ".bias")) == name


def test_a_t5_without_a_gate_has_one_layer_less() -> None:
    names = plain_names("t5encoder", ["enc.blk.0.ffn_up.weight"])
    assert names["enc.blk.0.ffn_up.weight"] == ("encoder.block.0.layer.1.DenseReluDense.wi.weight")


@pytest.mark.parametrize("architecture", [None, "flux", "sd3", "llama", "pig"])
def test_other_names_stay(architecture: str | None) -> None:
    names = ["double_blocks.0.img_attn.qkv.weight", "blk.0.attn_q.weight"]
    assert plain_names(architecture, names) == {name: name for name in names}


@pytest.mark.parametrize("name", ["blk.x.attn_q.weight", "blk.0.attn_q", "blk.0.odd.weight", ""])
def test_a_name_that_no_table_has_stays(name: str) -> None:
    assert plain_names("qwen3", [name]) == {name: name}


def read(shapes: Mapping[str, tuple[int, ...]], *entries: bytes) -> GgufFile:
    tensors = {name: (shape, F32, bytes(4 * math.prod(shape))) for name, shape in shapes.items()}
    data = gguf_file(tensors, entries)
    return read_gguf(io.BytesIO(data), len(data))


def test_shapes_of_the_metadata_are_the_shapes() -> None:
    found = read(
        {"input_blocks.0.0.weight": (9, 4)},
        entry("comfy.gguf.orig_shape.input_blocks.0.0.weight", list_of((1, 4, 3, 3, 1))),
    )
    assert found.tensors["input_blocks.0.0.weight"].shape == (1, 4, 3, 3, 1)


@pytest.mark.parametrize(
    ("name", "stored", "plain"),
    [
        ("pos_embed", (9, 4), (1, 9, 4)),
        ("pos_embed", (1, 9, 4), (1, 9, 4)),
        ("x_pad_token", (8,), (1, 8)),
        ("cap_pad_token", (8,), (1, 8)),
        ("cap_pad_token", (1, 8), (1, 8)),
        ("other", (8,), (8,)),
    ],
)
def test_an_outer_dimension_of_1_comes_back(
    name: str, stored: tuple[int, ...], plain: tuple[int, ...]
) -> None:
    assert read({name: stored}).tensors[name].shape == plain


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_the_linear_layers_of_xl_are_no_convolutions(prefix: str) -> None:
    name = f"{prefix}input_blocks.4.1.proj_in.weight"
    shapes = {name: (4, 4, 1, 1), f"{prefix}label_emb.0.0.weight": (2, 2)}
    assert read(shapes).tensors[name].shape == (4, 4)
    del shapes[f"{prefix}label_emb.0.0.weight"]
    assert read(shapes).tensors[name].shape == (4, 4, 1, 1)


def test_gemma_s_norms_are_stored_with_one_more() -> None:
    shapes = {"blk.0.attn_norm.weight": (4,), "output_norm.weight": (4,), "token_embd.weight": (2,)}
    found = read(shapes, entry("general.architecture", "gemma2")).tensors
    assert {name: each.added for name, each in found.items()} == {
        "model.layers.0.input_layernorm.weight": 1.0,
        "model.norm.weight": 1.0,
        "model.embed_tokens.weight": 0.0,
    }
    other = read(shapes, entry("general.architecture", "qwen3")).tensors
    assert {each.added for each in other.values()} == {0.0}
