"""A picture that does not fit, in a process with a real limit."""

import subprocess
import sys

import pytest

from tests.contract.conftest import DEMO_MODEL
from tests.paths import ROOT

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's"),
]

_SCRIPT = f"""
import pathlib, resource
from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.pictures.codec import PillowPictureCodec
from domain.errors import OutOfMemory
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.ports.image_generator import DrawingBatch
from domain.services.drawing_watchers import CallbackWatcher
from tests.fakes.model_locator import FakeModelLocator

model = ModelRecord("de" * 32, "demo.safetensors", 1, {DEMO_MODEL.path!r}, ".safetensors")
generator = DiffusersImageGenerator(FakeModelLocator(model), PillowPictureCodec(), device="cpu")

def draw(size):
    request = GenerationRequest(id="r", model_id=model.id, prompt="x", seed=1, width=size,
                                height=size, num_inference_steps=1)
    drawn = generator.draw(DrawingBatch(requests=(request,)), CallbackWatcher())
    return drawn.requests[0].images[0].raster

def used():
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if "VmSize" in line)

before = draw(256)
limit = used() + 100 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    draw(1024)
except OutOfMemory as error:
    print(error)
else:
    raise SystemExit("1024 pixels fitted")
assert draw(256) == before
print("drawn again")
"""


def test_it_is_reported_memory_is_freed_and_the_next_small_one_is_drawn() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "does not fit the memory of cpu" in done.stdout
    assert done.stdout.endswith("drawn again\n")
