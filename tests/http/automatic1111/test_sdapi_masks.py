"""Masks in AUTOMATIC1111's API."""

import pytest
from PIL import Image

from domain.generation.parts import InpaintArea, MaskContent
from tests.http.automatic1111.from_pictures import (
    MASK,
    file_of,
    id_of,
    mask_pixels,
    source_of,
)
from tests.http.automatic1111.sdapi import (
    from_picture,
    picture,
)
from tests.http.conftest import Service


def test_a_mask_has_the_defaults_of_that_api(shared: Service) -> None:
    source = source_of(shared, from_picture(mask=MASK))
    assert source.mask_image is not None
    assert source.mask_image.id == id_of(MASK)
    assert (source.mask_blur, source.mask_content) == (4, MaskContent.FILL)
    assert (source.inpaint_area, source.inpaint_padding) == (InpaintArea.IN_PLACE, 0)


@pytest.mark.parametrize("mask", [None, ""])
def test_fields_of_a_mask_have_no_effect_without_one(shared: Service, mask: object) -> None:
    sent = from_picture(
        **{"mask": mask, "mask_blur": 999, "mask_blur_x": 1, "inpainting_fill": 77},
        **{"inpaint_full_res": "x", "inpaint_full_res_padding": 9999, "inpainting_mask_invert": 5},
    )
    source = source_of(shared, sent)
    assert (source.mask_image, source.mask_blur, source.mask_content) == (None, None, None)


def test_a_mask_can_be_inverted(shared: Service) -> None:
    image = Image.new("L", (3, 1))
    image.putdata([0, 200, 255])
    sent = from_picture(mask=file_of(image), inpainting_mask_invert=1)
    assert mask_pixels(shared, source_of(shared, sent)) == [255, 55, 0]


def test_the_opaque_part_of_a_mask_with_transparency_is_drawn_again(shared: Service) -> None:
    image = Image.new("RGBA", (5, 1))
    image.putdata([(0, 0, 0, alpha) for alpha in (255, 129, 128, 1, 0)])
    mask = file_of(image)
    source = source_of(shared, from_picture(mask=mask))
    assert mask_pixels(shared, source) == [255, 255, 0, 0, 0]
    source = source_of(shared, from_picture(mask=mask, inpainting_mask_invert=True))
    assert mask_pixels(shared, source) == [0, 0, 255, 255, 255]


def test_an_opaque_mask_stays_the_file_that_was_sent(shared: Service) -> None:
    mask = picture((255, 255, 255, 255), mode="RGBA")
    source = source_of(shared, from_picture(mask=mask))
    assert source.mask_image is not None
    assert source.mask_image.id == id_of(mask)
