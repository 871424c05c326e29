"""What every preprocessor does: the fake, and OpenCV's."""

import pytest

from adapters.preprocessing.opencv import OpenCvPreprocessor
from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster
from domain.ports.preprocessor import PicturePreprocessor
from tests.fakes.preprocessor import FakePreprocessor

CANNY = Preprocessor(name="canny")
INVERT = Preprocessor(name="invert")


@pytest.fixture(params=[FakePreprocessor, OpenCvPreprocessor])
def preprocessor(request: pytest.FixtureRequest) -> PicturePreprocessor:
    made: PicturePreprocessor = request.param()
    return made


def halves(left: int, right: int, size: tuple[int, int] = (8, 6)) -> Raster:
    """Return a picture with one level on its left half and another on its right half."""
    width, height = size
    row = bytes([left] * 3) * (width // 2) + bytes([right] * 3) * (width - width // 2)
    return Raster(width, height, row * height)


def test_inverting_twice_gives_the_picture(preprocessor: PicturePreprocessor) -> None:
    picture = Raster(4, 1, bytes(range(12)))
    inverted = preprocessor.map_of(picture, INVERT)
    assert inverted.pixels == bytes(255 - level for level in range(12))
    assert preprocessor.map_of(inverted, INVERT) == picture


def test_the_edge_between_black_and_white_is_a_white_line(
    preprocessor: PicturePreprocessor,
) -> None:
    found = preprocessor.map_of(halves(0, 255), CANNY)
    assert (found.width, found.height) == (8, 6)
    white = {at // 3 % 8 for at, level in enumerate(found.pixels) if level}
    assert set(found.pixels) == {0, 255}
    assert white <= {3, 4}
    assert len(white) == 1


def test_a_picture_without_edges_is_black(preprocessor: PicturePreprocessor) -> None:
    assert set(preprocessor.map_of(halves(90, 90), CANNY).pixels) == {0}


def test_the_thresholds_decide_which_steps_are_edges(preprocessor: PicturePreprocessor) -> None:
    # The Sobel operator makes 4 × 20 of a step of 20 levels.
    picture = halves(100, 120)
    sensitive = Preprocessor(name="canny", low=40, high=79)
    deaf = Preprocessor(name="canny", low=40, high=80)
    assert 255 in preprocessor.map_of(picture, sensitive).pixels
    assert set(preprocessor.map_of(picture, deaf).pixels) == {0}


@pytest.mark.parametrize("wanted", [CANNY, INVERT])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 1), (3, 2)])
def test_small_pictures_have_maps_of_their_size(
    preprocessor: PicturePreprocessor, wanted: Preprocessor, size: tuple[int, int]
) -> None:
    found = preprocessor.map_of(halves(10, 200, size), wanted)
    assert (found.width, found.height) == size


def test_pixels_of_another_process_are_read(preprocessor: PicturePreprocessor) -> None:
    picture = halves(0, 255)
    elsewhere = Raster(picture.width, picture.height, memoryview(picture.pixels))
    for wanted in (CANNY, INVERT):
        assert preprocessor.map_of(elsewhere, wanted) == preprocessor.map_of(picture, wanted)


def test_equal_pictures_have_equal_maps(preprocessor: PicturePreprocessor) -> None:
    maps = [preprocessor.map_of(halves(0, 255, (64, 64)), CANNY) for _ in range(3)]
    assert maps[0] == maps[1] == maps[2]
