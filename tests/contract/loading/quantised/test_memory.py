"""The memory of loading files of 90 and 100 MB in codes: the model, and a layer."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.contract.conftest import DEMO_MODEL
from tests.contract.loading.quantised.files import GGML_NUMBERS, Tensors, marker
from tests.paths import ROOT
from tests.unit.checkpoints.quantised.gguf_files import entry, gguf_file, list_of

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform != "linux", reason="statm is Linux's"),
]

UNET = "model.diffusion_model."
WIDTH = 48
"""The demo's UNet has multiples of 48 channels. That of a test has several times as many."""
SMALL = 48 * 2**20
"""Bytes beside the model and a layer: pieces of 2 million numbers in float32, and what Python and
the libraries take."""


def shapes(wider: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, tensor in load_file(DEMO_MODEL.path).items():
        if name.startswith(UNET):
            yield name, tuple(side if side % WIDTH else side * wider for side in tensor.shape)


def others() -> Tensors:
    loaded: Tensors = load_file(DEMO_MODEL.path)
    return {name: each for name, each in loaded.items() if not name.startswith(UNET)}


def metadata(wider: int) -> dict[str, str]:
    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        found = dict(file.metadata())
    unet = json.loads(found["unet/config.json"])
    unet["block_out_channels"] = [wider * side for side in unet["block_out_channels"]]
    return found | {"unet/config.json": json.dumps(unet)}


def codes(count: int) -> np.ndarray:
    """Return random bytes without the codes for NaN of 8 bits."""
    some = np.random.default_rng(1).integers(0, 120, 2**16, dtype=np.uint8)
    return np.resize(some, count)


def in_fp8(path: Path, wider: int) -> None:
    tensors = others()
    for name, shape in shapes(wider):
        if len(shape) < 2:
            tensors[name] = torch.zeros(shape, dtype=torch.bfloat16)
            continue
        numbers = torch.from_numpy(codes(math.prod(shape))).view(torch.float8_e4m3fn)
        tensors[name] = numbers.reshape(shape)
        if len(shape) == 2:
            layer = name.removesuffix(".weight")
            tensors[f"{layer}.weight_scale"] = torch.tensor(0.01)
            tensors[f"{layer}.comfy_quant"] = marker(format="float8_e4m3fn")
    save_file(tensors, path, metadata=metadata(wider))


def in_gguf(path: Path, wider: int) -> None:
    tensors: dict[str, tuple[tuple[int, ...], int, bytes]] = {}
    entries = [entry(key, value) for key, value in metadata(wider).items()]
    for name, tensor in others().items():
        numbers = tensor.float().numpy()
        tensors[name] = (numbers.shape, GGML_NUMBERS["F32"], numbers.tobytes())
    for name, shape in shapes(wider):
        count = math.prod(shape)
        if len(shape) < 2 or count % 256:
            tensors[name] = (shape, GGML_NUMBERS["F32"], bytes(4 * count))
            continue
        entries.append(entry(f"comfy.gguf.orig_shape.{name}", list_of(shape)))
        blocks = codes(count // 32 * 34).reshape(-1, 34)
        blocks[:, 1] = 8  # a small scale
        tensors[name] = ((count // 256, 256), GGML_NUMBERS["Q8_0"], blocks.tobytes())
    path.write_bytes(gguf_file(tensors, entries))


@pytest.mark.parametrize(
    ("name", "write", "wider", "least"),
    [("large.safetensors", in_fp8, 4, 88e6), ("large.gguf", in_gguf, 4, 95e6)],
)
def test_the_peak_is_the_model_and_a_layer(
    tmp_path: Path, name: str, write: Callable[[Path, int], None], wider: int, least: float
) -> None:
    path = tmp_path / name
    write(path, wider)
    assert path.stat().st_size > least
    child = [sys.executable, "-m", "tests.contract.loading.quantised.memory_child"]
    done = subprocess.run([*child, str(path), "bfloat16"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert found["model"] > 1.9 * least
    # The test would measure nothing if the pages of the model were not counted.
    assert found["kept"] > 0.9 * found["model"]
    assert found["peak"] <= found["model"] + found["layer"] + SMALL
