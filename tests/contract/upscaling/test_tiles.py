"""A picture in tiles is the picture as a whole, at any size and scale."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.checkpoints.upscalers import UpscalerArchitecture, UpscalerNetwork
from domain.generation.raster import Raster
from domain.sizes import Size
from tests.contract.upscaling.upscaler_files import array, drawing, random_upscaler

pytestmark = pytest.mark.torch

RRDB, COMPACT, SPAN = (
    UpscalerArchitecture.RRDB,
    UpscalerArchitecture.COMPACT,
    UpscalerArchitecture.SPAN,
)


def rrdb(**numbers: int) -> UpscalerNetwork:
    values: dict[str, Any] = {"scale": 4, "features": 8, "growth": 4, "blocks": 4, **numbers}
    return UpscalerNetwork(architecture=RRDB, **values)


NETWORKS: Mapping[str, UpscalerNetwork | None] = {
    "Lanczos": None,
    "compact": UpscalerNetwork(architecture=COMPACT, scale=2, features=8, blocks=8),
    "compact of scale 3": UpscalerNetwork(architecture=COMPACT, scale=3, features=8, blocks=2),
    "SPAN": UpscalerNetwork(architecture=SPAN, scale=2, features=8, blocks=6, normalises=True),
    "RRDB of two blocks": rrdb(blocks=2),
    "RRDB of four blocks": rrdb(),
    "RRDB as deep as published ones": rrdb(blocks=23, scale=2, features=4, growth=2),
    "RRDB of squares of 2": rrdb(scale=2, unshuffle=2),
    "RRDB of squares of 4": rrdb(scale=1, unshuffle=4, blocks=1),
}


def enlarged(
    source: Raster, size: Size, facts: UpscalerNetwork | None, *, side: int | None
) -> Raster:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.upscaling import enlarging

    device = find_device("cpu", "float32")
    upscaler = None if facts is None else random_upscaler(facts, device)
    return enlarging.enlarged(source, size, upscaler, device, lambda done, total: None, side=side)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scale", [None, 1.3])
def test_tiles_equal_the_whole(name: str, scale: float | None) -> None:
    facts = NETWORKS[name]
    factor = scale or (2 if facts is None else facts.scale)
    source, size = drawing(101, 83), Size(round(101 * factor), round(83 * factor))
    whole = enlarged(source, size, facts, side=1000)
    tiles = enlarged(source, size, facts, side=37)
    assert (tiles.width, tiles.height) == (size.width, size.height)
    assert array(whole).std() > 15, "a flat picture has no seams"
    # The last bit of a float32, or the mixture of two tiles, may round to the next level.
    difference = abs(array(whole) - array(tiles))
    assert difference.max() <= 1
    assert difference.mean() < 0.02


def test_seams_would_be_found() -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.upscaling import enlarging
    from adapters.diffusion.upscaling.tiles import Surroundings

    facts = NETWORKS["compact"]
    source, size = drawing(101, 83), Size(202, 166)
    whole = enlarged(source, size, facts, side=1000)
    assert facts is not None
    device = find_device("cpu", "float32")
    upscaler = random_upscaler(facts, device)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enlarging, "_surroundings", lambda upscaler: Surroundings(1))
        tiles = enlarging.enlarged(
            source, size, upscaler, device, lambda done, total: None, side=37
        )
    assert abs(array(whole) - array(tiles)).max() > 3


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (33, 32), (31, 65)])
def test_any_size_is_enlarged(name: str, size: tuple[int, int]) -> None:
    facts = NETWORKS[name]
    scale = 2 if facts is None else facts.scale
    target = Size(size[0] * scale, size[1] * scale)
    found = enlarged(drawing(*size), target, facts, side=32)
    assert (found.width, found.height) == (target.width, target.height)
    assert len(found.pixels) == target.pixels * 3


def test_squares_of_pixels_at_the_edge_are_continued_by_reflection() -> None:
    facts = NETWORKS["RRDB of squares of 4"]
    source = drawing(30, 21)
    mirrored = array(source)
    rows, columns = [*range(21), 19, 18, 17], [*range(30), 28, 27]
    mirrored = mirrored[rows][:, columns]
    whole = Raster(32, 24, mirrored.astype("uint8").tobytes())
    found = enlarged(source, Size(30, 21), facts, side=1000)
    expected = enlarged(whole, Size(32, 24), facts, side=1000)
    assert (array(found) == array(expected)[:21, :30]).all()


@pytest.mark.parametrize(
    ("size", "passes"),
    [((20, 20), 1), ((30, 30), 1), ((40, 40), 1), ((41, 40), 2), ((80, 80), 2), ((160, 150), 3)],
)
def test_a_larger_scale_takes_several_passes(size: tuple[int, int], passes: int) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.upscaling import enlarging

    device = find_device("cpu", "float32")
    upscaler = random_upscaler(
        UpscalerNetwork(architecture=COMPACT, scale=2, features=4, blocks=1), device
    )
    ticks: list[tuple[int, int]] = []
    target = Size(*size)
    enlarging.enlarged(
        drawing(20, 20), target, upscaler, device, lambda *tick: ticks.append(tick), side=1000
    )
    assert ticks == [(done, passes) for done in range(passes + 1)]


def test_several_passes_equal_enlarging_several_times() -> None:
    facts = UpscalerNetwork(architecture=COMPACT, scale=2, features=4, blocks=1)
    source = drawing(20, 17)
    once = enlarged(source, Size(40, 34), facts, side=None)
    twice = enlarged(once, Size(80, 68), facts, side=None)
    assert (array(enlarged(source, Size(80, 68), facts, side=None)) == array(twice)).all()


@pytest.mark.parametrize("scale", [0.3, 0.5, 1.5, 2.0, 3.3, 8.0])
def test_lanczos_is_that_of_pillow(scale: float) -> None:
    import numpy as np
    from PIL import Image

    source = drawing(90, 71)
    size = Size(round(90 * scale), round(71 * scale))
    picture = Image.fromarray(array(source).astype(np.uint8))
    expected = np.asarray(picture.resize((size.width, size.height), Image.Resampling.LANCZOS))
    found = array(enlarged(source, size, None, side=32))
    assert abs(found - expected).max() <= 1


def test_the_own_size_is_the_picture_itself_without_a_model() -> None:
    source = drawing(90, 71)
    assert bytes(enlarged(source, Size(90, 71), None, side=32).pixels) == bytes(source.pixels)
