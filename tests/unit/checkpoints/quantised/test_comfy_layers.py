"""ComfyUI's quantised layers: which tensors make one, and which files are refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.quantised import Form, Layer, Quantisation, quantisation_of_file

ONE = TensorFacts("float32", ())
F8 = TensorFacts("float8_e4m3fn", (4, 64))
PLAIN = {"norm.weight": TensorFacts("bfloat16", (64,)), "a.bias": TensorFacts("bfloat16", (4,))}


def read(
    tensors: Mapping[str, TensorFacts],
    told: Mapping[str, Any] | bytes | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Quantisation | None:
    """Read a file whose layer `a` has a marker with `told`, if that is given."""
    if told is None:
        return quantisation_of_file(tensors, metadata or {}, {})
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    marked = {**tensors, "a.comfy_quant": TensorFacts("uint8", (len(data),))}
    return quantisation_of_file(marked, metadata or {}, {"a.comfy_quant": data})


def layer(*arguments: Any, **options: Any) -> Layer:
    found = read(*arguments, **options)
    assert found is not None
    assert found.fault is None
    return found.layers["a.weight"]


def fault(*arguments: Any, **options: Any) -> str:
    found = read(*arguments, **options)
    assert found is not None
    assert found.fault is not None
    assert found.fault.isprintable()
    return found.fault


def test_a_plain_file_has_no_layers() -> None:
    assert read({"a.weight": TensorFacts("bfloat16", (4, 64)), **PLAIN}) is None
    assert read({"a.weight": F8, **PLAIN}) is None


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("marker", ["scaled_fp8", "model.diffusion_model.scaled_fp8", None])
def test_the_old_form(dtype: str, shape: tuple[int, ...], marker: str | None) -> None:
    tensors = {
        "a.weight": TensorFacts(dtype, (4, 64)),
        "a.scale_weight": TensorFacts("float32", shape),
        "a.scale_input": ONE,
        **({} if marker is None else {marker: TensorFacts(dtype, (2,))}),
        **PLAIN,
    }
    found = read(tensors)
    assert found is not None
    assert found.label == f"{dtype} scaled"
    assert found.layers == {"a.weight": Layer(Form.FLOAT8, (4, 64), scale="a.scale_weight")}
    plain = found.plain(tensors)
    assert plain == {"a.weight": TensorFacts("bfloat16", (4, 64)), **PLAIN}


def test_a_marker_of_the_old_form_alone_changes_nothing() -> None:
    tensors = {"a.weight": F8, "scaled_fp8": TensorFacts("float8_e4m3fn", (0,))}
    found = read(tensors)
    assert found is not None
    assert (found.label, found.fault, found.layers) == (None, None, {})
    assert found.plain(tensors) == {"a.weight": F8}


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("shape", [(), (1,), (4, 1)])
@pytest.mark.parametrize("how", ["marker", "metadata", "metadata of the UNet", "text", "none"])
def test_the_new_form(dtype: str, shape: tuple[int, ...], how: str) -> None:
    name = "model.diffusion_model.a" if how == "metadata of the UNet" else "a"
    tensors = {
        f"{name}.weight": TensorFacts(dtype, (4, 64)),
        f"{name}.weight_scale": TensorFacts("float32", shape),
        f"{name}.input_scale": ONE,
        **PLAIN,
    }
    options = {"format": dtype, "full_precision_matrix_mult": True}
    told: Any = dtype if how == "text" else options
    metadata = {"_quantization_metadata": json.dumps({"layers": {"a": told, "gone": told}})}
    if how == "marker":
        found = read(tensors, options)
    else:
        found = read(tensors, None, {} if how == "none" else metadata)
    assert found is not None
    assert found.fault is None
    assert found.label == f"{dtype} scaled"
    wanted = Layer(Form.FLOAT8, (4, 64), scale=f"{name}.weight_scale")
    assert found.layers == {f"{name}.weight": wanted}
    assert found.plain(tensors) == {f"{name}.weight": TensorFacts("bfloat16", (4, 64)), **PLAIN}


def test_a_convolution_can_have_a_scale_for_each_row() -> None:
    tensors = {
        "a.weight": TensorFacts("float8_e4m3fn", (4, 3, 3, 3)),
        "a.weight_scale": TensorFacts("float32", (4, 1, 1, 1)),
    }
    assert layer(tensors, {"format": "float8_e4m3fn"}).scale == "a.weight_scale"


@pytest.mark.parametrize("scale", ["uint8", "float8_e8m0fnu"])
def test_mxfp8_has_a_scale_for_each_32_columns(scale: str) -> None:
    tensors = {"a.weight": F8, "a.weight_scale": TensorFacts(scale, (128, 4))}
    assert layer(tensors, {"format": "mxfp8"}) == Layer(Form.MXFP8, (4, 64), scale="a.weight_scale")


@pytest.mark.parametrize("scale", ["uint8", "float8_e4m3fn"])
def test_nvfp4_has_two_numbers_in_a_byte_and_two_levels_of_scales(scale: str) -> None:
    tensors = {
        "a.weight": TensorFacts("uint8", (130, 48)),
        "a.weight_scale": TensorFacts(scale, (256, 8)),
        "a.weight_scale_2": ONE,
        "a.pre_quant_scale": TensorFacts("bfloat16", (96,)),
        "a.input_scale": ONE,
    }
    assert layer(tensors, {"format": "nvfp4"}) == Layer(
        Form.NVFP4,
        (130, 96),
        scale="a.weight_scale",
        second_scale="a.weight_scale_2",
        input_factor="a.pre_quant_scale",
    )


@pytest.mark.parametrize("shape", [(), (1,), (4,), (4, 1)])
@pytest.mark.parametrize(
    ("told", "rotated"),
    [
        ({}, 0),
        ({"convrot": False, "convrot_groupsize": 16}, 0),
        ({"convrot": True, "convrot_groupsize": 16}, 16),
        ({"params": {"convrot": True, "convrot_groupsize": 64}}, 64),
    ],
)
def test_int8(shape: tuple[int, ...], told: dict[str, Any], rotated: int) -> None:
    tensors = {
        "a.weight": TensorFacts("int8", (4, 64)),
        "a.weight_scale": TensorFacts("float32", shape),
    }
    assert layer(tensors, {"format": "int8_tensorwise", **told}) == Layer(
        Form.INT8, (4, 64), scale="a.weight_scale", rotated=rotated
    )


def test_several_formats_are_mixed() -> None:
    tensors = {
        "a.weight": F8,
        "a.weight_scale": ONE,
        "b.weight": TensorFacts("float8_e5m2", (4, 64)),
        "b.weight_scale": ONE,
    }
    found = read(tensors)
    assert found is not None
    assert found.label == "mixed"


def facts(dtype: str, *shape: int) -> TensorFacts:
    return TensorFacts(dtype, shape)


SCALED = {"a.weight": F8, "a.weight_scale": ONE}
REFUSED: dict[str, tuple[dict[str, TensorFacts], Any, str]] = {
    "a format of another tool": (SCALED, {"format": "convrot_w4a4"}, "convrot_w4a4"),
    "svdquant": (SCALED, {"format": "svdquant_w4a4"}, "svdquant_w4a4"),
    "a number for a format": (SCALED, {"format": 4}, "format 4"),
    "a list for a format": (SCALED, {"format": ["x" * 999]}, "format"),
    "no JSON": (SCALED, b"\xff{", "not JSON"),
    "deep JSON": (SCALED, b"[" * 4000, "not JSON"),
    "a JSON list": (SCALED, b"[]", "not a JSON object"),
    "no weight": ({"a.weight_scale": ONE}, None, "no weight"),
    "no scale": ({"a.weight": F8}, {"format": "float8_e4m3fn"}, "no weight_scale"),
    "another type": (SCALED, {"format": "float8_e5m2"}, "float8_e4m3fn"),
    "plain numbers": ({**SCALED, "a.weight": facts("bfloat16", 4, 64)}, None, "bfloat16"),
    "a scale of columns": ({**SCALED, "a.weight_scale": facts("float32", 64)}, None, "[64]"),
    "a scale of rows in one line": (
        {**SCALED, "a.weight_scale": facts("float32", 4)},
        None,
        "[4]",
    ),
    "a scale of codes": ({**SCALED, "a.weight_scale": facts("uint8")}, None, "uint8"),
    "an old scale of rows": (
        {"a.weight": F8, "a.scale_weight": facts("float32", 4, 1)},
        None,
        "[4, 1]",
    ),
    "scales of another size": (
        {"a.weight": F8, "a.weight_scale": facts("uint8", 4, 2)},
        {"format": "mxfp8"},
        "not 512",
    ),
    "half a block": (
        {"a.weight": facts("float8_e4m3fn", 4, 48), "a.weight_scale": facts("uint8", 128, 4)},
        {"format": "mxfp8"},
        "48 columns",
    ),
    "nvfp4 without its second scale": (
        {"a.weight": facts("uint8", 4, 32), "a.weight_scale": facts("uint8", 128, 4)},
        {"format": "nvfp4"},
        "weight_scale_2",
    ),
    "a rotation of 48": (
        {"a.weight": facts("int8", 4, 96), "a.weight_scale": ONE},
        {"format": "int8_tensorwise", "convrot": True, "convrot_groupsize": 48},
        "groups of 48",
    ),
    "a rotation that does not fit": (
        {"a.weight": facts("int8", 4, 96), "a.weight_scale": ONE},
        {"format": "int8_tensorwise", "convrot": True},
        "96 columns",
    ),
    "int8 without a format": ({"a.weight": facts("int8", 4, 64), "a.weight_scale": ONE}, None, "8"),
    "a factor of fp8 inputs": ({**SCALED, "a.pre_quant_scale": ONE}, None, "pre_quant_scale"),
    "a scale without a layer": ({**SCALED, "b.input_scale": ONE}, None, "b.input_scale"),
    "codes of bitsandbytes": ({**SCALED, "b.weight.absmax": ONE}, None, "bitsandbytes"),
}


@pytest.mark.parametrize(("tensors", "told", "named"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(
    tensors: dict[str, TensorFacts], told: Any, named: str
) -> None:
    reason = fault(tensors, told)
    assert named in reason
    assert len(reason) < 400
    assert reason.endswith("; get the model in 16 or 32 bits")


@pytest.mark.parametrize("text", ["{", "[]", '{"layers": []}', '{"layers": {"a": 3}}'])
def test_metadata_that_make_no_sense_are_refused(text: str) -> None:
    assert "_quantization_metadata" in fault(SCALED, None, {"_quantization_metadata": text})


def test_a_marker_that_was_not_read_is_refused() -> None:
    tensors = {**SCALED, "a.comfy_quant": facts("uint8", 10**9)}
    assert "cannot be read" in fault(tensors)
