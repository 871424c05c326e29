"""Which pixels and latents an inpainting UNet is told to draw."""

import numpy as np
import pytest
from PIL import Image

from domain.generation.parts import SourceImage
from domain.generation.raster import GreyRaster
from domain.sizes import Size
from tests.contract.channels.drawing import INIT, ref_of

pytestmark = pytest.mark.torch


class OneMask:
    """A context whose mask is always this picture."""

    def __init__(self, mask: Image.Image) -> None:
        self._mask = mask

    def mask(self, _ref: object) -> GreyRaster:
        return GreyRaster(self._mask.width, self._mask.height, self._mask.tobytes())


def told(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is drawn of a mask, in pixels and in latents."""
    from adapters.diffusion.drawing.pictures.source import SizedSource

    mask = Image.fromarray(levels.astype(np.uint8))
    source = SourceImage(init_image=ref_of(INIT), mask_image=ref_of(mask))
    size = Size(mask.width, mask.height)
    sized = SizedSource(OneMask(mask), source, size)  # type: ignore[arg-type]
    return sized.is_drawn, sized.drawn_cells


def test_black_and_white_are_told_as_they_are() -> None:
    levels: np.ndarray = np.zeros((64, 64))
    levels[16:48, 8:32] = 255
    pixels, cells = told(levels)
    assert np.array_equal(pixels, levels == 255)
    assert np.array_equal(cells, levels[::8, ::8] == 255)


def test_grey_is_drawn_because_it_mixes() -> None:
    levels: np.ndarray = np.zeros((64, 64))
    levels[:32], levels[32:48] = 60, 255
    pixels, cells = told(levels)
    assert pixels[:48].all() and not pixels[48:].any()
    assert cells[:6].all() and not cells[6:].any()


def test_thin_lines_between_the_corners_of_latents_are_not_lost() -> None:
    levels: np.ndarray = np.zeros((64, 64))
    levels[:, 3:6] = 255
    pixels, cells = told(levels)
    assert pixels.sum() == 3 * 64
    assert cells[:, 0].all() and not cells[:, 1:].any()
