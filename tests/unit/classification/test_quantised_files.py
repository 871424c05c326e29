"""Files whose weights are codes, as they are listed."""

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.filesystem.classification import extras
from adapters.filesystem.classification.files import Classification, classify
from adapters.filesystem.headers.reading import (
    Header,
    IncompleteFile,
    TensorFacts,
    UnreadableHeader,
    read_header,
)
from domain.checkpoints.header_values import DTYPE_BITS
from domain.models.record import ModelFamily, ModelKind
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file, listed_tensor
from tests.unit.classification.addon_headers import lora, original_vae
from tests.unit.classification.classification_headers import UNET, checkpoint
from tests.unit.filesystem.model_files import safetensors_bytes

KINDS = {
    **{"float16": "F16", "bfloat16": "BF16", "float32": "F32", "int64": "I64"},
    **{"float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "uint8": "U8", "int8": "I8"},
}
F16, F32, Q8_0, IQ2_XS = 1, 0, 8, 17
FORMATS: dict[str, tuple[dict[str, Any], str]] = {
    "old float8_e4m3fn": ({}, "float8_e4m3fn scaled"),
    "old float8_e5m2": ({}, "float8_e5m2 scaled"),
    "float8_e4m3fn": ({"format": "float8_e4m3fn"}, "float8_e4m3fn scaled"),
    "float8_e5m2": ({"format": "float8_e5m2"}, "float8_e5m2 scaled"),
    "mxfp8": ({"format": "mxfp8"}, "mxfp8"),
    "nvfp4": ({"format": "nvfp4"}, "nvfp4"),
    "int8_tensorwise": ({"format": "int8_tensorwise"}, "int8"),
    "convrot": (
        {"format": "int8_tensorwise", "convrot": True, "convrot_groupsize": 64},
        "int8 rotated",
    ),
}


def quantised(plain: Mapping[str, TensorFacts], how: str) -> dict[str, TensorFacts | bytes]:
    """Return the tensors of a file whose large linear layers are codes; data of small ones."""
    options, _ = FORMATS[how]
    tensors: dict[str, TensorFacts | bytes] = {}
    for name, facts in plain.items():
        layer = name.removesuffix(".weight")
        if not (name.startswith(UNET) and ".to_" in name and len(facts.shape) == 2):
            tensors[name] = facts
            continue
        rows, columns = facts.shape
        if how.startswith("old"):
            tensors[name] = TensorFacts(how.removeprefix("old "), facts.shape)
            tensors[f"{layer}.scale_weight"] = TensorFacts("float32", (1,))
            continue
        tensors[f"{layer}.comfy_quant"] = json.dumps(options).encode()
        scales: tuple[int, ...] = ()
        kind, of_scales = how, "float32"
        if how in ("mxfp8", "nvfp4"):
            block = 32 if how == "mxfp8" else 16
            scales = (-(-rows // 128) * 128, -(-columns // block // 4) * 4)
            kind, of_scales = ("float8_e4m3fn" if how == "mxfp8" else "uint8"), "uint8"
        elif how in ("int8_tensorwise", "convrot"):
            kind = "int8"
        if how == "nvfp4":
            columns //= 2
            tensors[f"{layer}.weight_scale_2"] = TensorFacts("float32", ())
        tensors[name] = TensorFacts(kind, (rows, columns))
        tensors[f"{layer}.weight_scale"] = TensorFacts(of_scales, scales)
    return tensors


def header_of(
    tensors: Mapping[str, TensorFacts | bytes], metadata: Mapping[str, str] | None = None
) -> Header:
    """Read a safetensors file whose data beyond the small tensors is not there."""
    table: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end, data = 0, b""
    for name, each in sorted(tensors.items(), key=lambda pair: isinstance(pair[1], TensorFacts)):
        if isinstance(each, bytes):
            data += each
            kind, shape, size = "U8", [len(each)], len(each)
        else:
            kind, shape = KINDS[each.dtype], list(each.shape)
            size = math.prod(shape) * DTYPE_BITS[each.dtype] // 8
        table[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    file = safetensors_bytes(table, data)
    return read_header(io.BytesIO(file), len(file) - len(data) + end, ".safetensors")


def gguf_header(tensors: Mapping[str, TensorFacts], kind: int, *entries: bytes) -> Header:
    """Read a GGUF file of these shapes, whose data is not there."""
    listed, offset = [], 0
    for name, facts in tensors.items():
        is_whole = len(facts.shape) > 1 and facts.shape[-1] % 32 == 0
        of_it = kind if is_whole else F16
        listed.append(listed_tensor(name, facts.shape, of_it, offset))
        count = math.prod(facts.shape)
        size = {F16: count * 2, Q8_0: count // 32 * 34, IQ2_XS: count // 256 * 74}[of_it]
        offset += -(-size // 32) * 32
    start = gguf_file({}, entries)[:8] + len(listed).to_bytes(8, "little")
    file = start + len(entries).to_bytes(8, "little") + b"".join(entries) + b"".join(listed)
    return read_header(io.BytesIO(file), len(file) + 32 + offset, ".gguf")


def told(header: Header) -> Classification:
    return classify(header)


@pytest.mark.parametrize("family", [ModelFamily.SD_1, ModelFamily.SD_2_V, ModelFamily.SDXL])
@pytest.mark.parametrize("how", FORMATS)
def test_a_checkpoint_with_quantised_layers_is_one_of_its_family(
    family: ModelFamily, how: str
) -> None:
    plain = checkpoint(family, "bfloat16")
    header = header_of(quantised(plain, how))
    assert header.tensors.keys() == plain.keys()
    assert {name: facts.shape for name, facts in header.tensors.items()} == {
        name: facts.shape for name, facts in plain.items()
    }
    found = told(header)
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, family, None)
    assert found.precision == FORMATS[how][1]
    assert found.fault is not None  # a folder's loader would take the codes for numbers


def test_a_format_that_nobody_here_reads_is_named() -> None:
    tensors = quantised(checkpoint(ModelFamily.SD_1, "bfloat16"), "int8_tensorwise")
    marker = next(name for name in tensors if name.endswith(".comfy_quant"))
    found = told(header_of({**tensors, marker: b'{"format": "asym_w4a8_int8"}'}))
    assert found.reason is not None
    assert "asym_w4a8_int8" in found.reason
    assert found.kind is ModelKind.CHECKPOINT


def test_the_metadata_of_comfyui_do_what_its_markers_do() -> None:
    tensors = quantised(checkpoint(ModelFamily.SD_1, "bfloat16"), "mxfp8")
    markers = [name for name in tensors if name.endswith(".comfy_quant")]
    layers = {name.removesuffix(".comfy_quant"): {"format": "mxfp8"} for name in markers}
    kept = {name: each for name, each in tensors.items() if name not in markers}
    found = told(header_of(kept, {"_quantization_metadata": json.dumps({"layers": layers})}))
    assert (found.reason, found.precision) == (None, "mxfp8")


def test_plain_fp8_stays_what_it_was() -> None:
    found = told(header_of(checkpoint(ModelFamily.SD_1, "float8_e4m3fn")))
    assert (found.reason, found.precision, found.fault) == (None, "float8_e4m3fn", None)


@pytest.mark.parametrize("family", [ModelFamily.SD_1, ModelFamily.SDXL])
def test_a_whole_checkpoint_in_gguf_is_one_of_its_family(family: ModelFamily) -> None:
    found = told(gguf_header(checkpoint(family), Q8_0, entry("general.file_type", 7)))
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, family, None)
    assert found.precision == "Q8_0"


@pytest.mark.parametrize(
    ("tensors", "kind"),
    [(original_vae(), ModelKind.VAE), (lora("kohya", ModelFamily.SD_1), ModelKind.LORA)],
    ids=["VAE", "LoRA"],
)
def test_an_addon_in_gguf_is_one(tensors: dict[str, TensorFacts], kind: ModelKind) -> None:
    found = told(gguf_header(tensors, Q8_0))
    assert (found.kind, found.is_companion) == (kind, True)


def test_without_the_library_the_codes_of_gguf_have_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extras, "gguf_is_installed", lambda: False)
    found = told(gguf_header(checkpoint(ModelFamily.SD_1), Q8_0))
    assert found.reason is not None
    assert found.reason.endswith("pip install 'ai-inference[gguf]'")
    addon = told(gguf_header(lora("kohya", ModelFamily.SD_1), Q8_0))
    assert (addon.kind, addon.is_companion) == (ModelKind.LORA, False)
    assert addon.reason is not None
    assert addon.reason.endswith("pip install 'ai-inference[gguf]'")
    # Plain numbers need no library.
    plain = told(gguf_header(checkpoint(ModelFamily.SD_1), F16))
    assert (plain.reason, plain.precision) == (None, "float16")


def test_codes_of_gguf_that_nobody_here_reads_are_named() -> None:
    few = {name: TensorFacts("float16", (2, 256)) for name in ("a.weight", "b.weight")}
    reason = told(gguf_header(few, IQ2_XS)).reason
    assert reason is not None
    assert "IQ2_XS" in reason


def test_a_language_model_in_gguf_is_of_no_known_kind() -> None:
    tensors = {f"blk.{number}.attn_q.weight": TensorFacts("float16", (64, 64)) for number in (0, 1)}
    found = told(gguf_header(tensors, Q8_0, entry("general.architecture", "llama")))
    assert (found.kind, found.loadable, found.is_companion) == (ModelKind.UNKNOWN, False, False)


def test_a_gguf_file_that_is_still_copied_is_incomplete() -> None:
    data = gguf_file({"a": ((1, 64), Q8_0, bytes(68))})
    for length in (20, 60, len(data) - 40):
        with pytest.raises(IncompleteFile):
            read_header(io.BytesIO(data[:length]), length, ".gguf")


def test_a_gguf_file_that_claims_more_than_any_disk_is_refused() -> None:
    listed = listed_tensor("a", (2**20, 2**20), F32, 2**44)
    data = b"GGUF" + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + bytes(8) + listed
    with pytest.raises(UnreadableHeader, match="more bytes than any model file"):
        read_header(io.BytesIO(data), len(data), ".gguf")


def test_other_files_do_not_become_gguf_by_their_name() -> None:
    with pytest.raises(UnreadableHeader, match=r"rename it to end in \.safetensors"):
        read_header(io.BytesIO(safetensors_bytes({})), 10, ".gguf")
    for data in (b"x", b"GGML" + bytes(60), b"<!doctype html>" + bytes(60)):
        with pytest.raises(UnreadableHeader, match=r"GGUF|web page"):
            read_header(io.BytesIO(data), len(data), ".gguf")
