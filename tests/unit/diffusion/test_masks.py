"""Masks: what is drawn again, how it fades out, and what lies below it at the start."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from adapters.diffusion.drawing.pictures.masks import (
    box_of,
    cells_of,
    cleaned,
    filled,
    is_binary,
    opacity_of,
)

SIDE = 128


def mask_of(box: tuple[int, int, int, int], level: int = 255, side: int = SIDE) -> Image.Image:
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=level)
    return mask


def test_levels_near_black_and_white_are_black_and_white() -> None:
    mask = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    found = np.asarray(cleaned(mask)).ravel()
    assert found[:8].tolist() == [0] * 8
    assert found[8:248].tolist() == list(range(8, 248))
    assert found[248:].tolist() == [255] * 8
    assert is_binary(cleaned(mask.point([0] * 128 + [255] * 128)))
    assert not is_binary(cleaned(mask))


def test_without_a_blur_the_mask_shows() -> None:
    mask = mask_of((30, 30, 90, 90), level=100)
    assert opacity_of(mask, 0) is mask


@pytest.mark.parametrize("blur", [1, 4, 10])
def test_the_blur_fades_out_outside_the_mask(blur: int) -> None:
    mask = mask_of((48, 48, 80, 80))
    levels, found = np.asarray(mask), np.asarray(opacity_of(mask, blur))
    assert (found[levels == 255] == 255).all()  # white is drawn again, up to its edge
    row = found[64, 80:].astype(int)
    assert (np.diff(row) <= 0).all()
    assert row[0] > 140
    assert row[blur * 4] == 0
    blurred = np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)))
    assert (found[blurred == 0] == 0).all()


@pytest.mark.parametrize("level", [40, 128, 200])
def test_grey_mixes_at_its_own_level(level: int) -> None:
    mask = mask_of((40, 40, 88, 88), level)
    found = np.asarray(opacity_of(mask, 4))
    assert found.max() == level
    assert (found[44:84, 44:84] == level).all()
    assert 0 < found[64, 90] < level


def test_a_white_core_does_not_brighten_the_grey_far_from_it() -> None:
    mask = mask_of((20, 20, 108, 108), 60)
    ImageDraw.Draw(mask).rectangle((60, 60, 67, 67), fill=255)
    found = np.asarray(opacity_of(mask, 4))
    assert found[64, 64] == 255
    assert found[30, 30] == 60


def test_each_latent_with_a_masked_pixel_is_drawn_again() -> None:
    found = cells_of(mask_of((31, 8, 41, 16)), as_diffusers=False)
    assert found.shape == (16, 16)
    rows, columns = np.nonzero(found)
    assert {int(each) for each in rows} == {1}
    assert {int(each) for each in columns} == {3, 4, 5}


def test_as_in_diffusers_the_corner_of_a_latent_decides() -> None:
    torch = pytest.importorskip("torch")
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).ellipse((21, 33, 99, 103), fill=255)
    found = cells_of(mask, as_diffusers=True)
    pixels = torch.from_numpy(np.asarray(mask) / 255)[None, None]
    expected = torch.nn.functional.interpolate(pixels, size=(16, 16))[0, 0].numpy() > 0.5
    assert np.array_equal(found, expected)


def test_a_mask_that_misses_the_corners_is_drawn_again_all_the_same() -> None:
    found = cells_of(mask_of((35, 2, 38, 126)), as_diffusers=True)
    assert found[:, 4].all()
    assert found.sum() == 16


@pytest.mark.parametrize(
    ("box", "padding", "size", "expected"),
    [
        ((40, 40, 60, 60), 0, (128, 128), (40, 40, 60, 60)),
        ((40, 40, 60, 60), 8, (128, 128), (32, 32, 68, 68)),
        ((0, 0, 10, 10), 8, (128, 128), (0, 0, 18, 18)),
        ((0, 40, 20, 50), 0, (128, 128), (0, 35, 20, 55)),
        ((100, 0, 120, 40), 0, (128, 128), (88, 0, 128, 40)),
        ((0, 0, 128, 128), 32, (128, 128), (0, 0, 128, 128)),
        ((4, 4, 4, 4), 32, (128, 128), (0, 0, 128, 128)),
    ],
)
def test_the_box_has_the_proportions_of_the_picture_and_stays_inside(
    box: tuple[int, int, int, int],
    padding: int,
    size: tuple[int, int],
    expected: tuple[int, int, int, int],
) -> None:
    mask = Image.new("L", (SIDE, SIDE)) if box[0] == box[2] else mask_of(box)
    assert box_of(mask, padding, *size) == expected


def test_boxes_of_any_mask_hold_it() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        width, height = (int(side) for side in random.integers(256, 700, 2))
        left, right = sorted(int(each) for each in random.integers(0, width + 1, 2))
        top, bottom = sorted(int(each) for each in random.integers(0, height + 1, 2))
        if left == right or top == bottom:
            continue
        mask = Image.new("L", (width, height))
        mask.paste(255, (left, top, right, bottom))
        found = box_of(mask, int(random.integers(0, 257)), width, height)
        assert 0 <= found[0] <= left < right <= found[2] <= width
        assert 0 <= found[1] <= top < bottom <= found[3] <= height
        across, down = found[2] - found[0], found[3] - found[1]
        assert abs(across - down * width / height) <= max(1, width / height)


def test_the_fill_has_the_colours_round_it() -> None:
    image = Image.new("RGB", (SIDE, SIDE), (200, 40, 40))
    image.paste((40, 40, 200), (64, 0, 128, 128))
    mask = mask_of((24, 24, 104, 104))
    image.paste((0, 255, 0), (24, 24, 104, 104))
    found = np.asarray(filled(image, mask)).astype(int)
    before = np.asarray(image)
    outside = np.asarray(mask) == 0
    assert np.array_equal(found[outside], before[outside])
    assert np.abs(found[64, 26] - (200, 40, 40)).max() < 40
    assert np.abs(found[64, 101] - (40, 40, 200)).max() < 40
    assert found[..., 1].max() <= 60  # nothing of the green below the mask


def test_a_mask_of_everything_is_filled_with_grey() -> None:
    image = Image.new("RGB", (SIDE, SIDE), (200, 40, 40))
    found = filled(image, Image.new("L", (SIDE, SIDE), 255))
    assert found.getcolors() == [(SIDE * SIDE, (127, 127, 127))]
