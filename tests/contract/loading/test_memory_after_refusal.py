"""Resident memory after a model did not fit, measured in a process with a real limit."""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily
from tests.contract.conftest import DEMO_MODEL
from tests.contract.folders.folders import save_stable_diffusion
from tests.paths import ROOT

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's"),
]

_SCRIPT = """
import json, pathlib, resource, sys
from domain.errors import GenerationFailed, OutOfMemory
from domain.generation.request import GenerationRequest
from domain.models.record import FileStamp, ModelFamily, ModelPart, ModelRecord
from tests.contract.drawing.generating import generate, new_generator

demo_path, path, size = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else []
parts = tuple(
    ModelPart(each.relative_to(path).as_posix(), FileStamp.of(each.stat())) for each in files
)
demo = ModelRecord("de" * 32, "demo.safetensors", 1, demo_path, ".safetensors")
large = ModelRecord("ab" * 32, path.name, size, str(path), path.suffix,
                    family=ModelFamily.SD_1, parts=parts)
generator = new_generator(device="cpu", dtype="bfloat16")

def draw(model):
    request = GenerationRequest(id="r", model_id=model.id, prompt="x", seed=1, width=256,
                                height=256, num_inference_steps=1)
    return generate(generator, model, [request]).images[0][0].data

def status(name):
    text = pathlib.Path("/proc/self/status").read_text()
    return int(text.split(name + ":")[1].split()[0]) * 1024

first = draw(demo)
before, space = status("VmRSS"), status("VmSize")
_, hard = resource.getrlimit(resource.RLIMIT_AS)
rows = []
for room in json.loads(sys.argv[4]):
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    limit = space + int(room * size)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        draw(large)
    except OutOfMemory:
        rows.append([status("VmHWM") - before, status("VmRSS") - before])
        if rows[-1][0] > size / 2:
            break
    except GenerationFailed:  # it fitted, and its UNet is too large for its text encoder
        break
    else:
        break
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
assert draw(demo) == first
print(json.dumps(rows))
"""


def write_sparse(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Write a sparse safetensors file of 16-bit zeros; return its size in bytes."""
    entries, position = {}, 0
    for name, shape in shapes.items():
        count = 2
        for extent in shape:
            count *= extent
        places = [position, position + count]
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": places}
        position += count
    text = json.dumps(entries).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + position)
    return 8 + len(text) + position


def single_file(tmp_path: Path) -> tuple[Path, int]:
    """A checkpoint of Stable Diffusion 1's size."""
    parts = checkpoint_parts(ModelFamily.SD_1).values()
    shapes = {name: shape for part in parts for name, shape in part.items()}
    return tmp_path / "large.safetensors", write_sparse(tmp_path / "large.safetensors", shapes)


def folder(tmp_path: Path) -> tuple[Path, int]:
    """The demo as a folder, with a UNet of Stable Diffusion 1's size."""
    import torch
    from diffusers import UNet2DConditionModel

    large = save_stable_diffusion(tmp_path / "large")
    shutil.copy(ROOT / "tests/data/model-configs/sd-1/unet/config.json", large / "unet")
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(large / "unet"))
    shapes = {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}
    return large, write_sparse(large / "unet/diffusion_pytorch_model.safetensors", shapes)


# Shares of the file's size by which memory may grow. A folder's load fills most of the memory
# before it fails, if its file can be mapped. A single file becomes a network in one allocation,
# which fails without taking any.
@pytest.mark.parametrize(
    ("make", "rooms"), [(single_file, (0.6, 1.9)), (folder, (1.9, 2.05, 2.2, 2.35))]
)
def test_a_load_that_does_not_fit_releases_its_memory(
    tmp_path: Path, make: Callable[[Path], tuple[Path, int]], rooms: tuple[float, ...]
) -> None:
    path, size = make(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, DEMO_MODEL.path, str(path), str(size), json.dumps(rooms)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads(done.stdout)
    assert rows
    for _peak, kept in rows:
        assert kept < size / 20, rows
    if make is folder:
        assert max(peak for peak, _kept in rows) > size / 2, rows
