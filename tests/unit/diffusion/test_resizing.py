"""Pictures get the size that is drawn."""

import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.drawing.pictures.resizing import as_image, as_raster, padded, resized
from domain.generation.parts import ResizeMode
from domain.generation.raster import GreyRaster


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green grows down."""
    down, across = np.mgrid[0:height, 0:width]
    rows = np.stack([across * 255 // (width - 1), down * 255 // (height - 1), 0 * down], axis=-1)
    return Image.fromarray(rows.astype(np.uint8))


@pytest.mark.parametrize("mode", ResizeMode)
def test_a_picture_of_the_wanted_size_keeps_its_pixels(mode: ResizeMode) -> None:
    image = gradient(300, 260)
    assert resized(image, 300, 260, mode).tobytes() == image.tobytes()


@pytest.mark.parametrize("size", [(256, 256), (300, 700), (257, 1024)])
@pytest.mark.parametrize("sent", [(64, 64), (2000, 300), (301, 1999), (1, 50)])
@pytest.mark.parametrize("mode", ResizeMode)
@pytest.mark.parametrize("kind", ["RGB", "L"])
def test_any_picture_gets_the_wanted_size(
    mode: ResizeMode, sent: tuple[int, int], size: tuple[int, int], kind: str
) -> None:
    found = resized(Image.new(kind, sent), *size, mode)
    assert (found.size, found.mode) == (size, kind)


def test_stretch_shows_all_of_a_picture_in_other_proportions() -> None:
    found = np.asarray(resized(gradient(600, 300), 256, 256, ResizeMode.STRETCH)).astype(int)
    assert found[128, 0, 0] < 5
    assert found[128, -1, 0] > 250
    assert found[0, 128, 1] < 5


def test_crop_cuts_off_two_sides() -> None:
    found = np.asarray(resized(gradient(600, 300), 256, 256, ResizeMode.CROP)).astype(int)
    assert found[128, 0, 0] == pytest.approx(255 / 4, abs=3)
    assert found[128, -1, 0] == pytest.approx(255 * 3 / 4, abs=3)
    assert found[0, 128, 1] < 5


def test_pad_shows_all_of_a_picture_and_repeats_its_edge() -> None:
    found = np.asarray(resized(gradient(600, 300), 256, 256, ResizeMode.PAD)).astype(int)
    assert found[128, 0, 0] < 5
    assert found[128, -1, 0] > 250
    bar = found[:64]
    assert (bar == bar[:1]).all()
    assert (found[192:] == found[-1:]).all()
    assert found[0, 128, 1] < 5


def test_padding_is_undone_by_the_centre() -> None:
    image = gradient(301, 259)
    found = padded(image, 304, 264)
    assert found.size == (304, 264)
    assert as_raster(found).centre(301, 259) == as_raster(image)
    assert padded(image, 301, 259) is image


def test_a_mask_stays_grey() -> None:
    image = as_image(GreyRaster(2, 1, b"\x00\xff"))
    assert (image.mode, image.size, image.tobytes()) == ("L", (2, 1), b"\x00\xff")
