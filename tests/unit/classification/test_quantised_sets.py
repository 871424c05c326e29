"""Components of the newer families in GGUF and in ComfyUI's formats: what plain files are."""

from collections.abc import Iterator

import pytest

from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.values import TensorFacts
from domain.checkpoints.quantised.gguf.names import plain_names
from domain.models.kinds import ModelKind
from tests.contract.sets import language_originals, originals
from tests.unit.checkpoints.quantised.gguf_files import entry
from tests.unit.classification.test_quantised_files import gguf_header, header_of
from tests.unit.sets.set_headers import facts

Table = dict[str, tuple[int, ...]]
Q8_0 = 8
_ELSEWHERE = ("visual.", "spiece_model")
FILES: dict[str, tuple[Table, str, ModelKind]] = {
    "flux": (originals.flux(guidance=True), "flux", ModelKind.DIFFUSION_MODEL),
    "chroma": (originals.chroma(), "flux", ModelKind.DIFFUSION_MODEL),
    "sd3.5": (originals.sd3(depth=24, dual=13, positions=384), "sd3", ModelKind.DIFFUSION_MODEL),
    "flux-2": (language_originals.flux_2(), "flux2", ModelKind.DIFFUSION_MODEL),
    "z-image": (language_originals.z_image(), "lumina2", ModelKind.DIFFUSION_MODEL),
    "lumina-2": (language_originals.lumina_2(), "lumina2", ModelKind.DIFFUSION_MODEL),
    "t5": (originals.t5(), "t5encoder", ModelKind.TEXT_ENCODER),
    "qwen-3": (language_originals.qwen_3(), "qwen3", ModelKind.TEXT_ENCODER),
    "qwen-2.5-vl": (language_originals.qwen_2_5_vl(), "qwen2vl", ModelKind.TEXT_ENCODER),
    "gemma-2": (language_originals.gemma_2(), "gemma2", ModelKind.TEXT_ENCODER),
}


def names_of_llama_cpp(architecture: str) -> Iterator[str]:
    """Yield names that llama.cpp may give the tensors of a text encoder."""
    layers = (
        *("attn_norm", "attn_q", "attn_k", "attn_v", "attn_o", "attn_output", "attn_rel_b"),
        *("attn_q_norm", "attn_k_norm", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"),
        *("post_attention_norm", "post_ffw_norm"),
    )
    for start in ("token_embd", "output_norm", "output", "enc.output_norm"):
        yield f"{start}.weight"
    begin = "enc.blk" if architecture == "t5encoder" else "blk"
    for number in range(64):
        for layer in layers:
            for ending in ("weight", "bias"):
                yield f"{begin}.{number}.{layer}.{ending}"


def in_gguf(table: Table, architecture: str) -> Table:
    """Return names and shapes as they lie in a GGUF file, without an outer dimension of 1."""
    names = {
        plain: name
        for name, plain in plain_names(architecture, names_of_llama_cpp(architecture)).items()
    }
    return {
        names.get(name, name): shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
        for name, shape in table.items()
    }


@pytest.mark.parametrize("name", FILES)
def test_a_component_in_gguf_is_that_of_the_plain_file(name: str) -> None:
    whole, architecture, kind = FILES[name]
    # llama.cpp writes what sees pictures and the vocabulary elsewhere.
    table = {key: shape for key, shape in whole.items() if not key.startswith(_ELSEWHERE)}
    plain = classify(header_of(facts(table)))
    stored = in_gguf(table, architecture)
    if kind is ModelKind.TEXT_ENCODER:
        assert not set(stored) & set(table)
    header = gguf_header(facts(stored), Q8_0, entry("general.architecture", architecture))
    assert {key: each.shape for key, each in header.tensors.items()} == table
    found = classify(header)
    assert (plain.kind, plain.reason is None) == (kind, plain.loadable)
    assert (found.kind, found.family, found.component) == (
        plain.kind,
        plain.family,
        plain.component,
    )
    assert found.precision == "Q8_0"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("marker", [True, False])
def test_a_component_in_scaled_fp8_is_that_of_the_plain_file(name: str, marker: bool) -> None:
    table, _, kind = FILES[name]
    tensors: dict[str, TensorFacts | bytes] = {}
    for key, shape in table.items():
        tensors[key] = TensorFacts("bfloat16", shape)
        if key.endswith(".weight") and len(shape) == 2:
            layer = key.removesuffix(".weight")
            tensors[key] = TensorFacts("float8_e4m3fn", shape)
            scale = "weight_scale" if marker else "scale_weight"
            tensors[f"{layer}.{scale}"] = TensorFacts("float32", ())
            if marker:
                tensors[f"{layer}.comfy_quant"] = b'{"format": "float8_e4m3fn"}'
    if not marker:
        tensors["scaled_fp8"] = TensorFacts("float8_e4m3fn", (2,))
    plain, found = classify(header_of(facts(table))), classify(header_of(tensors))
    assert (found.kind, found.family, found.component) == (kind, plain.family, plain.component)
    assert found.reason == plain.reason
    assert found.precision == "float8_e4m3fn scaled"
