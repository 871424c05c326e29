"""Pictures from pictures through AUTOMATIC1111's API."""

import json

import pytest
from PIL import Image

from adapters.http.automatic1111.unsupported import IMG2IMG as IMG2IMG_TABLE
from domain.generation.parts import InpaintArea, MaskContent, ResizeMode
from tests.http.automatic1111.from_pictures import (
    BLUE,
    MASK,
    RED,
    answer_of,
    file_of,
    id_of,
    source_of,
)
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    body,
    drawn_by,
    from_picture,
    picture,
    refused,
)
from tests.http.automatic1111.upstream import OF_IMG2IMG
from tests.http.conftest import Service


def test_a_picture_alone_has_the_defaults_of_that_api(shared: Service) -> None:
    drawn = drawn_by(shared, from_picture(), IMG2IMG)
    assert (drawn.width, drawn.height) == (512, 512)
    source = drawn.source
    assert source is not None
    assert (source.strength, source.resize_mode) == (0.75, ResizeMode.STRETCH)
    assert (source.mask_image, source.image_guidance_scale) == (None, None)
    assert source.init_image.id == id_of(picture())


@pytest.mark.parametrize(
    "text",
    [
        RED,
        f"data:image/png;base64,{RED}",
        f"DATA:image/png;base64,{RED}",
        f"data:;base64,{RED}",
        f"  {RED[:20]}\n{RED[20:]}\r\n",
    ],
)
def test_a_picture_is_base64_or_a_data_url(shared: Service, text: str) -> None:
    assert source_of(shared, body(init_images=[text])).init_image.id == id_of(RED)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_has_any_format_whatever_its_data_url_says(shared: Service, kind: str) -> None:
    text = file_of(Image.new("RGB", (30, 20), "red"), kind)
    source = source_of(shared, body(init_images=[f"data:image/gif;base64,{text}"]))
    assert source.init_image.media_type == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    "sent, name, value",
    [
        ({"denoising_strength": 0.3}, "strength", 0.3),
        ({"denoising_strength": 0}, "strength", 0.0),
        ({"denoising_strength": "1"}, "strength", 1.0),
        ({"resize_mode": 0}, "resize_mode", ResizeMode.STRETCH),
        ({"resize_mode": 1}, "resize_mode", ResizeMode.CROP),
        ({"resize_mode": "2"}, "resize_mode", ResizeMode.PAD),
        ({"mask_blur": 0}, "mask_blur", 0),
        ({"mask_blur": 64.0}, "mask_blur", 64),
        ({"mask_blur_x": 9, "mask_blur_y": 9}, "mask_blur", 9),
        ({"mask_blur": 5, "mask_blur_x": 9, "mask_blur_y": 2}, "mask_blur", 5),
        ({"mask_blur": 5, "mask_blur_x": 999}, "mask_blur", 5),
        ({"inpainting_fill": 0}, "mask_content", MaskContent.FILL),
        ({"inpainting_fill": 1}, "mask_content", MaskContent.ORIGINAL),
        ({"inpainting_fill": 2}, "mask_content", MaskContent.NOISE),
        ({"inpainting_fill": 3}, "mask_content", MaskContent.EMPTY),
        ({"inpaint_full_res": True}, "inpaint_area", InpaintArea.IN_PLACE),
        ({"inpaint_full_res": 1}, "inpaint_area", InpaintArea.IN_PLACE),
        ({"inpaint_full_res": 0}, "inpaint_area", InpaintArea.WHOLE),
        ({"inpaint_full_res": "false"}, "inpaint_area", InpaintArea.WHOLE),
        ({"inpaint_full_res_padding": 0}, "inpaint_padding", 0),
        ({"inpaint_full_res_padding": 256}, "inpaint_padding", 256),
        ({"initial_noise_multiplier": None}, "noise_multiplier", 1.0),
        ({"initial_noise_multiplier": 0}, "noise_multiplier", 0.0),
        ({"initial_noise_multiplier": "1.5"}, "noise_multiplier", 1.5),
    ],
)
def test_each_field_has_its_meaning(
    shared: Service, sent: dict[str, object], name: str, value: object
) -> None:
    assert getattr(source_of(shared, from_picture(mask=MASK, **sent)), name) == value


@pytest.mark.parametrize(
    "sent, place",
    [
        ({"init_images": None}, "init_images"),
        ({"init_images": []}, "init_images"),
        ({"init_images": [""]}, "init_images"),
        ({"init_images": [None]}, "init_images"),
        ({"init_images": RED}, "init_images"),
        ({"init_images": ["no base64"]}, "init_images"),
        ({"init_images": ["aGVsbG8="]}, "init_images"),
        ({"init_images": ["http://127.0.0.1:1/a.png"]}, "init_images"),
        ({"init_images": ["HTTPS://example.org/a.png"]}, "init_images"),
        ({"init_images": ["/etc/passwd"]}, "init_images"),
        ({"init_images": [RED] * 17}, "init_images"),
        ({"mask": "no base64"}, "mask"),
        ({"mask": "aGVsbG8="}, "mask"),
        ({"mask": [RED]}, "mask"),
        ({"mask": "https://example.org/a.png"}, "mask"),
        ({"denoising_strength": -0.1}, "denoising_strength"),
        ({"denoising_strength": 1.01}, "denoising_strength"),
        ({"denoising_strength": True}, "denoising_strength"),
        ({"resize_mode": 3}, "resize_mode"),
        ({"resize_mode": 4}, "resize_mode"),
        ({"resize_mode": 0.5}, "resize_mode"),
        ({"mask": MASK, "mask_blur": 65}, "mask_blur"),
        ({"mask": MASK, "mask_blur": -1}, "mask_blur"),
        ({"mask": MASK, "mask_blur_x": 5}, "mask_blur_x"),
        ({"mask": MASK, "mask_blur_y": 5}, "mask_blur_x"),
        ({"mask": MASK, "mask_blur_x": 65, "mask_blur_y": 4}, "mask_blur_x"),
        ({"mask": MASK, "inpainting_fill": 4}, "inpainting_fill"),
        ({"mask": MASK, "inpaint_full_res": 2}, "inpaint_full_res"),
        ({"mask": MASK, "inpaint_full_res_padding": 257}, "inpaint_full_res_padding"),
        ({"mask": MASK, "inpainting_mask_invert": "maybe"}, "inpainting_mask_invert"),
        ({"image_cfg_scale": "much"}, "image_cfg_scale"),
        ({"initial_noise_multiplier": 1.6}, "initial_noise_multiplier"),
        ({"initial_noise_multiplier": -0.1}, "initial_noise_multiplier"),
        ({"include_init_images": "maybe"}, "include_init_images"),
        ({"latent_mask": MASK}, "latent_mask"),
        ({"mask_round": False}, "mask_round"),
        ({"subseed_strength": 0.2}, "subseed_strength"),
        ({"width": 100}, "width"),
        ({"init_images": [RED] * 9, "n_iter": 2}, "n_iter"),
    ],
    ids=lambda each: json.dumps(each)[:50],
)
def test_a_wrong_field_is_refused_by_its_name(
    shared: Service, sent: dict[str, object], place: str
) -> None:
    assert list(refused(shared, from_picture() | sent)) == [place]


def test_the_reason_for_an_address_says_what_to_send(shared: Service) -> None:
    sent = body(init_images=["http://127.0.0.1:1/a.png"])
    assert "send the picture in base64" in refused(shared, sent)["init_images"]


def test_a_refusal_repeats_no_picture(shared: Service) -> None:
    told = json.dumps(refused(shared, body(latent_mask=MASK, init_images=[RED + "!"])))
    assert MASK[:12] not in told
    assert RED[:12] not in told


def test_every_wrong_field_is_named_at_once(shared: Service) -> None:
    sent = from_picture(
        **{"mask": "not*base64", "denoising_strength": 2, "resize_mode": 3, "steps": 0},
        **{"latent_mask": MASK, "script_name": "x/y/z plot", "inpainting_fill": 9},
        override_settings={"img2img_color_correction": True},
    )
    assert set(refused(shared, sent)) == {
        *("mask", "denoising_strength", "resize_mode", "steps", "latent_mask", "script_name"),
        *("inpainting_fill", "override_settings.img2img_color_correction"),
    }


def test_the_answer_repeats_the_parameters(shared: Service) -> None:
    sent = from_picture(
        **{"mask": MASK, "denoising_strength": 0.4, "resize_mode": 2, "mask_blur": 7},
        **{"inpainting_fill": 2, "inpaint_full_res": False, "inpaint_full_res_padding": 8},
        **{"inpainting_mask_invert": 0, "image_cfg_scale": 1.5},
    )
    answer = answer_of(shared, sent)
    told = answer["parameters"]
    kept = {name: value for name, value in sent.items() if name not in ("init_images", "mask")}
    assert told.items() >= kept.items()
    assert (told["init_images"], told["mask"]) == (None, None)
    info = json.loads(answer["info"])
    assert info["denoising_strength"] == 0.4
    assert info["extra_generation_params"]["Denoising strength"] == "0.4"
    assert "Mask blur: 7" in info["infotexts"][0]


def test_the_answer_repeats_the_pictures_if_asked(shared: Service) -> None:
    sent = body(
        init_images=[f"data:image/png;base64,{RED}", BLUE], mask=MASK, include_init_images=True
    )
    told = answer_of(shared, sent)["parameters"]
    assert (told["init_images"], told["mask"]) == ([RED, BLUE], MASK)
    assert told["include_init_images"] is True
    assert answer_of(shared, sent | {"mask": None})["parameters"]["mask"] is None


def test_the_fields_of_the_other_route_are_named_as_ignored(shared: Service) -> None:
    answer = answer_of(shared, from_picture(enable_hr=True, hr_scale=3))
    assert json.loads(answer["info"])["ignored"] == ["enable_hr", "hr_scale"]


def test_all_fields_are_accepted_at_the_defaults_of_that_api(shared: Service) -> None:
    sent = OF_IMG2IMG | {"prompt": "p", "steps": 1, "init_images": [RED]}
    assert json.loads(answer_of(shared, sent)["info"])["ignored"] == []
    sent |= {"mask": MASK}
    assert json.loads(answer_of(shared, sent)["info"])["ignored"] == []


def test_the_table_has_every_field_of_that_api() -> None:
    assert OF_IMG2IMG.keys() - IMG2IMG_TABLE.read - IMG2IMG_TABLE.rules.keys() == set()
    assert not IMG2IMG_TABLE.read & IMG2IMG_TABLE.rules.keys()
