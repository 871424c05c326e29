"""A picture gets another size with the pixels that the engine draws from."""

import random

import pytest

from adapters.diffusion.drawing.pictures.resizing import as_image, as_raster, resized
from adapters.pictures.resizing import PillowPictureResizer
from domain.generation.parts import ResizeMode
from domain.generation.raster import Raster
from domain.ports.picture_resizer import PictureResizer
from domain.sizes import Size
from tests.fakes.picture_resizer import FakePictureResizer

SIZES = [(1, 1), (1, 9), (9, 1), (7, 5), (64, 48), (48, 64), (33, 33), (256, 3), (200, 199)]
WANTED = [(8, 8), (64, 48), (50, 61), (1, 7), (97, 13)]


def picture(width: int, height: int) -> Raster:
    return Raster(width, height, random.Random(5).randbytes(width * height * 3))


@pytest.mark.parametrize("resizer", [PillowPictureResizer(), FakePictureResizer()])
@pytest.mark.parametrize("mode", list(ResizeMode))
@pytest.mark.parametrize("size", WANTED)
def test_a_picture_gets_the_wanted_size(
    resizer: PictureResizer, mode: ResizeMode, size: tuple[int, int]
) -> None:
    for own in SIZES:
        made = resizer.resized(picture(*own), Size(*size), mode)
        assert (made.width, made.height) == size


@pytest.mark.parametrize("resizer", [PillowPictureResizer(), FakePictureResizer()])
@pytest.mark.parametrize("mode", list(ResizeMode))
def test_a_picture_of_this_size_does_not_change(resizer: PictureResizer, mode: ResizeMode) -> None:
    own = picture(7, 5)
    assert resizer.resized(own, Size(7, 5), mode) == own


@pytest.mark.parametrize("mode", list(ResizeMode))
@pytest.mark.parametrize("size", WANTED)
@pytest.mark.parametrize("own", SIZES)
def test_the_pixels_are_those_of_the_engine(
    own: tuple[int, int], size: tuple[int, int], mode: ResizeMode
) -> None:
    made = PillowPictureResizer().resized(picture(*own), Size(*size), mode)
    assert made == as_raster(resized(as_image(picture(*own)), *size, mode))
