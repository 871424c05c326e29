"""Blocks of GGUF become the numbers of ggml's formulas, in float64."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.diffusion.loading.quantised import gguf_file as gguf_tensors
from adapters.diffusion.loading.weights import read_metadata, read_weights, tensor_facts
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.quantised.gguf.types import TYPES, GgufType
from domain.errors import ModelNotLoadable
from tests.contract.loading.quantised.files import GGML_NUMBERS, record
from tests.contract.loading.quantised.ggml_formulas import FORMULAS
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file

pytestmark = pytest.mark.torch

PRECISIONS = [torch.float32, torch.bfloat16, torch.float16]
SCALES = {  # where a block has numbers of 16 bits
    **{"Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,)},
    **{"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)},
    **{"IQ4_NL": (0,), "IQ4_XS": (0,)},
}


def kind_of(name: str) -> GgufType:
    return TYPES[GGML_NUMBERS[name]]


def blocks_of(name: str, count: int) -> bytes:
    """Return random codes with finite scales."""
    kind, random = kind_of(name), np.random.default_rng(11)
    data = bytearray(random.integers(0, 256, count * kind.size, dtype=np.uint8).tobytes())
    for number in range(count):
        for place in SCALES[name]:
            value = random.normal() * 0.01
            struct.pack_into("<e", data, number * kind.size + place, value)
    return bytes(data)


def write(folder: Path, data: bytes) -> Path:
    path = folder / "a.gguf"
    path.write_bytes(data)
    return path


def test_there_is_a_formula_for_each_type_that_is_read() -> None:
    assert set(FORMULAS) == {kind.name for kind in TYPES.values() if kind.readable}


@pytest.mark.parametrize("name", FORMULAS)
def test_blocks_become_the_numbers_of_the_formula(tmp_path: Path, name: str) -> None:
    kind = kind_of(name)
    count = 12
    data = blocks_of(name, count)
    shape = (3, count * kind.block // 3)
    path = write(tmp_path, gguf_file({"a.weight": (shape, GGML_NUMBERS[name], data)}))
    wanted = np.array(
        [
            number
            for begin in range(0, len(data), kind.size)
            for number in FORMULAS[name](data[begin : begin + kind.size])
        ]
    ).reshape(shape)
    whole = read_weights(record(path), dtype=torch.float32)["a.weight"]
    assert np.abs(wanted).max() > 0
    most = np.abs(wanted).max()
    np.testing.assert_allclose(whole.double().numpy(), wanted, rtol=2.0**-22, atol=most * 2.0**-23)
    for dtype in PRECISIONS:
        weights = read_weights(record(path), dtype=dtype)
        assert torch.equal(weights["a.weight"], whole.to(dtype))
        facts = TensorFacts(str(dtype).removeprefix("torch."), shape)
        assert tensor_facts(weights) == {"a.weight": facts}


@pytest.mark.parametrize("name", FORMULAS)
def test_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = kind_of(name)
    data = blocks_of(name, 40)
    shape = (40, kind.block)
    path = write(tmp_path, gguf_file({"a.weight": (shape, GGML_NUMBERS[name], data)}))
    whole = read_weights(record(path))["a.weight"]
    ticks: list[int] = []
    monkeypatch.setattr(gguf_tensors, "_NUMBERS_AT_ONCE", 8 * kind.block)
    pieces = read_weights(record(path), tick=lambda: ticks.append(1))["a.weight"]
    assert torch.equal(pieces, whole)
    assert len(ticks) == 5


@pytest.mark.parametrize(
    ("name", "dtype"), [("F32", torch.float32), ("F16", torch.float16), ("BF16", torch.bfloat16)]
)
def test_plain_numbers_are_mapped_from_the_file(
    tmp_path: Path, name: str, dtype: torch.dtype
) -> None:
    numbers = torch.randn(6, 4).to(dtype)
    data = numbers.view(torch.uint8).numpy().tobytes()
    tensors = {"a": ((6, 4), GGML_NUMBERS[name], data), "one": ((), GGML_NUMBERS["F32"], bytes(4))}
    weights = read_weights(record(write(tmp_path, gguf_file(tensors))), dtype=torch.float64)
    assert torch.equal(weights["a"], numbers)
    assert weights["a"].data_ptr() == weights["a"].data_ptr() == weights.mapped[0].data_ptr()
    assert not weights.has_codes
    assert weights["one"].shape == ()


def test_a_tensor_without_numbers_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path, gguf_file({"a": ((0, 32), GGML_NUMBERS["Q8_0"], b"")}))
    assert read_weights(record(path))["a"].shape == (0, 32)


def test_gemma_s_norms_lose_what_was_added(tmp_path: Path) -> None:
    norm = struct.pack("<4f", 1.5, 0.25, -1, 3)
    tensors = {
        "output_norm.weight": ((4,), GGML_NUMBERS["F32"], norm),
        "token_embd.weight": ((4,), GGML_NUMBERS["F32"], norm),
    }
    data = gguf_file(tensors, [entry("general.architecture", "gemma2")])
    weights = read_weights(record(write(tmp_path, data)), dtype=torch.float32)
    assert weights["model.norm.weight"].tolist() == [0.5, -0.75, -2, 2]
    assert weights["model.embed_tokens.weight"].tolist() == [1.5, 0.25, -1, 3]


def test_codes_that_overflow_make_no_warning(tmp_path: Path) -> None:
    data = bytes([0, 124]) + bytes(range(32))  # a scale of infinity
    path = write(tmp_path, gguf_file({"a": ((1, 32), GGML_NUMBERS["Q8_0"], data)}))
    made = read_weights(record(path))["a"]
    assert torch.isnan(made[0, 0])
    assert torch.isinf(made[0, 1])


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (gguf_file({"a": ((1, 256), 17, bytes(74))}), "IQ2_XS"),
        (gguf_file({"a": ((1, 32), 8, bytes(34))})[:-40], "bytes"),
        (b"GGUF" + bytes(99), "version 0"),
        (b"", "0 bytes"),
    ],
)
def test_what_listing_refuses_loading_refuses(tmp_path: Path, data: bytes, named: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(ModelNotLoadable) as caught:
        read_weights(record(path))
    assert named in caught.value.reason
    assert caught.value.lasting


def test_the_metadata_are_texts(tmp_path: Path) -> None:
    data = gguf_file({}, [entry("general.architecture", "flux"), entry("general.file_type", 7)])
    found = read_metadata(record(write(tmp_path, data)))
    assert found == {"general.architecture": "flux", "general.file_type": "7"}
