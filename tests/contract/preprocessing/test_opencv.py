"""OpenCV's preprocessor finds the edges that OpenCV's own users find."""

import numpy as np
import pytest

from adapters.preprocessing.opencv import OpenCvPreprocessor
from domain.errors import OutOfMemory
from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster

cv2 = pytest.importorskip("cv2")


def _picture(seed: int, size: tuple[int, int]) -> np.ndarray:
    """Return blurred noise in colour, which has edges of every strength and direction."""
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5).astype(float)
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) * 255 / (high - low)).astype(np.uint8)


def _raster(levels: np.ndarray) -> Raster:
    return Raster(levels.shape[1], levels.shape[0], levels.tobytes())


@pytest.mark.parametrize("low, high", [(100, 200), (0, 0), (0, 255), (30, 90), (255, 255)])
@pytest.mark.parametrize("seed", range(3))
def test_edges_equal_those_of_the_library(seed: int, low: int, high: int) -> None:
    levels = _picture(seed, (70, 110))
    found = OpenCvPreprocessor().map_of(
        _raster(levels), Preprocessor(name="canny", low=low, high=high)
    )
    edges = cv2.Canny(levels, low, high)
    assert np.array_equal(np.frombuffer(found.pixels, np.uint8).reshape(70, 110, 3)[..., 1], edges)
    assert found.pixels == np.repeat(edges, 3).tobytes()
    assert 0 < np.count_nonzero(edges) < edges.size


def test_the_number_of_threads_changes_nothing() -> None:
    levels, maps = _picture(1, (300, 400)), []
    before = cv2.getNumThreads()
    try:
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            maps.append(OpenCvPreprocessor().map_of(_raster(levels), Preprocessor(name="canny")))
    finally:
        cv2.setNumThreads(before)
    assert maps[0] == maps[1] == maps[2]


def test_a_lack_of_memory_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        error = cv2.error("Insufficient memory")
        error.code = cv2.Error.StsNoMem
        raise error

    monkeypatch.setattr(cv2, "Canny", full)
    with pytest.raises(OutOfMemory, match="the map of a picture"):
        OpenCvPreprocessor().map_of(_raster(_picture(1, (8, 8))), Preprocessor(name="canny"))
