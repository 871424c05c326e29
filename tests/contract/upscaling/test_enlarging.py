"""Memory, progress, cancelling and precision of enlarging."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.checkpoints.upscalers import UpscalerArchitecture, UpscalerNetwork
from domain.errors import GenerationFailed, ModelChanged, ModelNotLoadable
from domain.generation.raster import Raster
from domain.sizes import Size
from tests.contract.upscaling.upscaler_files import (
    array,
    drawing,
    random_upscaler,
    random_weights,
    record,
    saved,
)
from tests.paths import ROOT
from tests.unit.classification.upscaler_headers import compact, new_rrdb

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from adapters.diffusion.devices.device import Device
    from adapters.diffusion.upscaling.upscaler import Upscaler

pytestmark = pytest.mark.torch

FACTS = UpscalerNetwork(architecture=UpscalerArchitecture.COMPACT, scale=2, features=8, blocks=2)


@pytest.fixture
def device() -> "Device":
    from adapters.diffusion.devices.device import find_device

    return find_device("cpu", "float32")


@pytest.fixture
def upscaler(device: "Device") -> "Upscaler":
    return random_upscaler(FACTS, device)


class Short:
    """An upscaler that runs out of memory for parts with more than some pixels."""

    def __init__(self, upscaler: "Upscaler", most: int) -> None:
        self._upscaler, self._most = upscaler, most
        self.facts, self.precision = upscaler.facts, upscaler.precision
        self.tried: list[int] = []

    def __call__(self, pixels: "NDArray[np.uint8]") -> "torch.Tensor":
        self.tried.append(max(pixels.shape))
        if max(pixels.shape) > self._most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return self._upscaler(pixels)


def test_smaller_tiles_are_tried_where_memory_is_short(
    upscaler: "Upscaler", device: "Device"
) -> None:
    from adapters.diffusion.upscaling.enlarging import enlarged

    source, size, ticks = drawing(150, 90), Size(300, 180), []
    short = Short(upscaler, 60)
    found = enlarged(
        source,
        size,
        short,  # type: ignore[arg-type]
        device,
        lambda *tick: ticks.append(tick),
        side=128,
    )
    whole = enlarged(source, size, upscaler, device, lambda *tick: None, side=1000)
    assert (array(found) == array(whole)).all()
    assert max(short.tried[2:]) <= 60
    assert ticks[-1] == (6, 6)


def test_the_smallest_tile_that_does_not_fit_is_an_error(
    upscaler: "Upscaler", device: "Device"
) -> None:
    from adapters.diffusion.upscaling.enlarging import enlarged

    short = Short(upscaler, 8)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        enlarged(drawing(90, 90), Size(180, 180), short, device, lambda *_: None)  # type: ignore[arg-type]
    assert len(short.tried) < 8


def test_another_error_is_not_tried_again(upscaler: "Upscaler", device: "Device") -> None:
    from adapters.diffusion.upscaling.enlarging import enlarged

    calls = []

    class Broken(Short):
        def __call__(self, pixels: "NDArray[np.uint8]") -> "torch.Tensor":
            calls.append(pixels.shape)
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        enlarged(drawing(90, 90), Size(180, 180), Broken(upscaler, 0), device, lambda *_: None)  # type: ignore[arg-type]
    assert len(calls) == 1


def test_work_ends_between_two_tiles(upscaler: "Upscaler", device: "Device") -> None:
    from adapters.diffusion.upscaling.enlarging import enlarged

    class Cancelled(Exception):
        pass

    ticks = []

    def tick(done: int, total: int) -> None:
        ticks.append((done, total))
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        enlarged(drawing(150, 90), Size(300, 180), upscaler, device, tick, side=40)
    assert ticks == [(0, 12), (1, 12), (2, 12), (3, 12)]


def test_a_network_that_overflows_stays_in_float32(device: "Device") -> None:
    import torch

    found = random_upscaler(FACTS, device)
    network = found.components["network"]
    with torch.no_grad():
        # The second convolution makes numbers of some 100,000; float16 ends at 65,504.
        for number, weight, bias in ((0, 300, 300), (2, 1e3, 3e5), (4, 1e-3, 300), (6, 1 / 300, 1)):
            network.body[number].weight *= weight
            network.body[number].bias *= bias
    source, size = drawing(20, 20), Size(40, 40)
    expected = array(_enlarged(source, size, found, device))
    network.half()
    assert found.precision == torch.float16
    assert abs(array(_enlarged(source, size, found, device)) - expected).max() <= 2
    assert found.precision == torch.float32


def test_a_network_that_makes_nan_is_an_error(upscaler: "Upscaler", device: "Device") -> None:
    import torch

    with torch.no_grad():
        upscaler.components["network"].body[0].weight[0] = float("nan")
    with pytest.raises(GenerationFailed, match="enlarging with random produced NaN"):
        _enlarged(drawing(20, 20), Size(40, 40), upscaler, device)


def _enlarged(source: Raster, size: Size, upscaler: "Upscaler", device: "Device") -> Raster:
    from adapters.diffusion.upscaling.enlarging import enlarged

    return enlarged(source, size, upscaler, device, lambda done, total: None)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_changes_a_picture_little(precision: str, device: "Device") -> None:
    import torch

    found = random_upscaler(FACTS, device)
    source, size = drawing(60, 60), Size(120, 120)
    expected = array(_enlarged(source, size, found, device))
    found.components["network"].to(getattr(torch, precision))
    difference = abs(array(_enlarged(source, size, found, device)) - expected)
    assert difference.mean() < 1.5
    assert difference.max() <= 12


def test_a_result_of_more_than_64_megapixels_is_refused(device: "Device") -> None:
    from adapters.diffusion.upscaling.upscalers import Upscalers

    upscalers = Upscalers(device, lambda model_id: random_upscaler(FACTS, device))
    row = Raster(2**14, 1, bytes(3 * 2**14))
    assert upscalers.enlarge_to(row, None, Size(2**14, 2)).height == 2
    with pytest.raises(GenerationFailed, match="at most 67108864"):
        upscalers.enlarge_to(row, None, Size(2**14, 2**12 + 1))


def test_the_scale_is_the_own_one_unless_another_is_named(device: "Device") -> None:
    from adapters.diffusion.upscaling.upscalers import Upscalers

    upscalers = Upscalers(device, lambda model_id: random_upscaler(FACTS, device))
    source, upscaler = drawing(31, 21), upscalers.loaded("ab" * 32)
    sizes = [
        (found.width, found.height)
        for found in (
            upscalers.enlarge_by(source, upscaler),
            upscalers.enlarge_by(source, upscaler, 1.5),
            upscalers.enlarge_by(source, upscaler, 5.0),
            upscalers.enlarge_by(source, None),
            upscalers.enlarge_by(source, None, 1.25),
        )
    ]
    assert sizes == [(62, 42), (46, 32), (155, 105), (62, 42), (39, 26)]


def test_tiles_are_as_large_as_the_memory_allows(device: "Device") -> None:
    import dataclasses

    from adapters.diffusion.upscaling.enlarging import tile_side

    deep = random_upscaler(
        UpscalerNetwork(
            architecture=UpscalerArchitecture.RRDB, scale=4, features=64, growth=32, blocks=6
        ),
        device,
    )
    sides = [
        tile_side(
            deep, dataclasses.replace(device, plan=dataclasses.replace(device.plan, memory_bytes=n))
        )
        for n in (2**28, 2**32, 2**34, 2**40)
    ]
    assert sides == sorted(sides)
    assert sides[0] == 32 < sides[1] < sides[2] == sides[3] < 512
    assert tile_side(random_upscaler(FACTS, device), device) == 512


_MEASURED = """
import sys, torch
torch.set_num_threads(1)
from adapters.diffusion.devices.device import find_device
from adapters.diffusion.upscaling.enlarging import enlarged
from domain.checkpoints.upscalers import UpscalerArchitecture, UpscalerNetwork
from domain.generation.raster import Raster
from domain.sizes import Size
from tests.contract.upscaling.upscaler_files import random_upscaler

def most():
    text = open("/proc/self/status").read()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024

side, device = int(sys.argv[1]), find_device("cpu", "float32")
facts = UpscalerNetwork(architecture=UpscalerArchitecture.COMPACT, scale=2, features=4, blocks=1)
upscaler = random_upscaler(facts, device)
source = Raster(side, side, b"x" * (3 * side * side))
enlarged(Raster(64, 64, bytes(64 * 64 * 3)), Size(96, 96), upscaler, device, lambda *_: None)
open("/proc/self/clear_refs", "w").write("5")
before = most()
large = enlarged(source, Size(side, side), upscaler, device, lambda *_: None, side=256)
print(most() - before - len(large.pixels))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of memory")
def test_memory_does_not_grow_with_the_picture() -> None:
    taken = [
        int(
            subprocess.run(
                [sys.executable, "-c", _MEASURED, str(side)],
                cwd=ROOT,
                check=True,
                capture_output=True,
            ).stdout
        )
        for side in (512, 2048)
    ]
    # 16 times the pixels, whose float32 would take 50 MB, and those of the model's size 201 MB.
    assert taken[1] - taken[0] < 16 * 2**20, taken


def test_a_file_that_changed_is_refused(tmp_path: Path, device: "Device") -> None:
    import dataclasses

    from adapters.diffusion.upscaling.loading import load_upscaler
    from domain.models.record import FileStamp

    weights = random_weights(compact(blocks=1, features=4, scale=2))
    model = saved(tmp_path, weights, "a.safetensors")
    stamped = dataclasses.replace(model, stamp=FileStamp.of(Path(model.path).stat()))
    assert load_upscaler(stamped, device).facts.scale == 2
    saved(tmp_path, random_weights(compact(blocks=1, features=4, scale=2), 1), "b.safetensors")
    (tmp_path / "b.safetensors").replace(tmp_path / "a.safetensors")
    with pytest.raises(ModelChanged):
        load_upscaler(stamped, device)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (new_rrdb(blocks=1, features=4, growth=2, inputs=4), "4 input"),
        ({name: each for name, each in compact().items() if name != "body.4.bias"}, "lacks"),
    ],
)
def test_a_file_that_is_not_usable_is_refused_for_good(
    tensors: dict[str, object], reason: str, tmp_path: Path, device: "Device"
) -> None:
    from adapters.diffusion.upscaling.loading import load_upscaler

    model = saved(tmp_path, random_weights(tensors), "a.safetensors")  # type: ignore[arg-type]
    with pytest.raises(ModelNotLoadable, match=reason) as caught:
        load_upscaler(model, device)
    assert caught.value.lasting


def test_a_checkpoint_is_not_an_upscaler(tmp_path: Path, device: "Device") -> None:
    from adapters.diffusion.upscaling.loading import load_upscaler
    from tests.paths import DEMO_CHECKPOINT

    with pytest.raises(ModelNotLoadable, match="it is not an upscaler"):
        load_upscaler(record(DEMO_CHECKPOINT), device)
