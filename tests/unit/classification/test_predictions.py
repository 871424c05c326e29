"""Listing and loading agree about what a checkpoint predicts."""

import itertools
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.diffusion.families import configuration_files
from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import Header, read_header
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.training import PROBES, decided, scheduler_fields
from domain.models.record import ModelFamily
from tests.unit.classification.classification_headers import checkpoint, facts
from tests.unit.filesystem.model_files import safetensors_bytes

SD_2 = checkpoint(ModelFamily.SD_2)
PROBE = PROBES[0]
METADATA: tuple[dict[str, str], ...] = (
    {},
    {"modelspec.prediction_type": "epsilon"},
    {"modelspec.prediction_type": "v"},
    {"modelspec.predict_key": "epsilon"},
    {"modelspec.architecture": "stable-diffusion-v2-512"},
    {"modelspec.architecture": "stable-diffusion-v2-768-v"},
    {"global_step": "875000"},
    {"global_step": "110000"},
)
MARKS: tuple[tuple[str, ...], ...] = ((), ("v_pred",), ("v_pred", "ztsnr"), ("ztsnr",))
NARROW, WIDE = (0.05, -0.05), (0.2, -0.2)
"""Values of the probe in a checkpoint that predicts noise, and in one that predicts velocity."""


@pytest.mark.parametrize(
    ("metadata", "marks", "probe"), list(itertools.product(METADATA, MARKS, (None, NARROW, WIDE)))
)
def test_a_model_is_drawn_as_it_is_listed(
    metadata: dict[str, str], marks: tuple[str, ...], probe: tuple[float, ...] | None
) -> None:
    tensors = SD_2 | facts(dict.fromkeys(marks, (0,)))
    listed = classify(header(tensors, metadata, probe))
    assert listed.family is not None
    files = configuration_files(listed.family)
    configuration = json.loads(files["scheduler/scheduler_config.json"])
    training, _ = decided(listed.told)
    if training is not None:
        configuration |= scheduler_fields(training, configuration)
    is_velocity = configuration["prediction_type"] == "v_prediction"
    assert (listed.family is ModelFamily.SD_2_V) == is_velocity


@pytest.mark.parametrize(
    ("metadata", "marks", "probe", "family"),
    [
        ({"modelspec.prediction_type": "epsilon"}, ("v_pred",), NARROW, ModelFamily.SD_2_V),
        ({"modelspec.prediction_type": "epsilon"}, (), WIDE, ModelFamily.SD_2),
        ({"modelspec.architecture": "stable-diffusion-v2-512"}, (), WIDE, ModelFamily.SD_2),
        ({"global_step": "875000"}, (), WIDE, ModelFamily.SD_2_V),
        ({}, (), NARROW, ModelFamily.SD_2),
        ({}, (), None, ModelFamily.SD_2_V),
    ],
)
def test_the_first_sign_decides(
    metadata: dict[str, str],
    marks: tuple[str, ...],
    probe: tuple[float, ...] | None,
    family: ModelFamily,
) -> None:
    tensors = SD_2 | facts(dict.fromkeys(marks, (0,)))
    assert classify(header(tensors, metadata, probe)).family is family


def header(
    tensors: dict[str, TensorFacts], metadata: dict[str, str], probe: tuple[float, ...] | None
) -> Header:
    return Header(tensors, metadata, probes={} if probe is None else {PROBE: probe})


def halves(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(values)}e", *values)


def brain_floats(values: tuple[float, ...]) -> bytes:
    words = (struct.unpack("<I", struct.pack("<f", value))[0] >> 16 for value in values)
    return struct.pack(f"<{len(values)}H", *words)


def floats(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


@pytest.mark.parametrize(
    ("kind", "pack"), [("F16", halves), ("BF16", brain_floats), ("F32", floats)]
)
def test_the_probe_is_read_from_the_file(
    tmp_path: Path, kind: str, pack: Callable[[tuple[float, ...]], bytes]
) -> None:
    values = (0.5, -0.25, 2.0)
    data = b"\1" * 4 + pack(values)
    table = {
        "before": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
        PROBE: {"dtype": kind, "shape": [3], "data_offsets": [4, len(data)]},
    }
    assert probe_in(tmp_path, table, data) == values


@pytest.mark.parametrize(
    ("kind", "shape", "data"),
    [
        ("I8", [3], b"\1\2\3"),
        ("F16", [3, 1, 1, 1, 1], b"\0" * 6),
        ("F16", [0], b""),
        ("F16", [4097], b"\0" * 8194),
        ("F32", [1], struct.pack("<f", float("nan"))),
        ("F16", [1], struct.pack("<e", float("inf"))),
    ],
)
def test_an_odd_probe_says_nothing(
    tmp_path: Path, kind: str, shape: list[int], data: bytes
) -> None:
    table = {PROBE: {"dtype": kind, "shape": shape, "data_offsets": [0, len(data)]}}
    assert probe_in(tmp_path, table, data) is None


def test_a_probe_of_the_most_values_is_read(tmp_path: Path) -> None:
    table = {PROBE: {"dtype": "F16", "shape": [4096], "data_offsets": [0, 8192]}}
    assert probe_in(tmp_path, table, b"\0" * 8192) == (0.0,) * 4096


def probe_in(folder: Path, table: object, data: bytes) -> tuple[float, ...] | None:
    path = folder / "model.safetensors"
    path.write_bytes(safetensors_bytes(table, data))
    with path.open("rb") as file:
        return read_header(file, path.stat().st_size, ".safetensors").probes.get(PROBE)
