"""Pictures from pictures through AUTOMATIC1111's API."""

import base64
import dataclasses
import hashlib
import io
import json
from typing import Any

import pytest
from PIL import Image

from domain import errors
from domain.generation.parts import InpaintArea, MaskContent, ResizeMode, SourceImage
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily
from tests.fakes.model_source import model_record
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    TXT2IMG,
    body,
    drawn_by,
    error_of,
    from_picture,
    picture,
    refused,
)
from tests.http.conftest import AUTHORIZED, Service

RED, BLUE, GREEN = (picture(colour) for colour in ("red", "blue", "green"))
MASK = picture("white", mode="L")


def source_of(service: Service, sent: dict[str, object]) -> SourceImage:
    """Return the picture that the last request for `sent` was drawn from."""
    source = drawn_by(service, sent, IMG2IMG).source
    assert source is not None
    return source


def answer_of(service: Service, sent: dict[str, object]) -> dict[str, Any]:
    response = service.client.post(IMG2IMG, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer: dict[str, Any] = response.get_json()
    return answer


def id_of(text: str) -> str:
    return hashlib.sha256(base64.b64decode(text)).hexdigest()


def mask_pixels(service: Service, source: SourceImage) -> list[int]:
    """Return the levels of the mask that was drawn with."""
    assert source.mask_image is not None
    data = service.container.pictures().read(source.mask_image.id)
    return list(service.container.picture_codec().decode_mask(data).pixels)


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return base64.b64encode(stream.getvalue()).decode()


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


def test_a_mask_has_the_defaults_of_that_api(shared: Service) -> None:
    source = source_of(shared, from_picture(mask=MASK))
    assert source.mask_image is not None
    assert source.mask_image.id == id_of(MASK)
    assert (source.mask_blur, source.mask_content) == (4, MaskContent.FILL)
    assert (source.inpaint_area, source.inpaint_padding) == (InpaintArea.MASKED, 0)


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
        ({"inpaint_full_res": True}, "inpaint_area", InpaintArea.MASKED),
        ({"inpaint_full_res": 1}, "inpaint_area", InpaintArea.MASKED),
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


def test_a_picture_that_cannot_be_read_is_named_by_its_number(shared: Service) -> None:
    damaged = base64.b64encode(base64.b64decode(BLUE)[:40]).decode()
    assert "picture 2" in refused(shared, body(init_images=[RED, damaged]))["init_images"]
    assert "1" not in refused(shared, body(init_images=[damaged]))["init_images"]


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


def drawn_for(service: Service, sent: dict[str, object]) -> list[GenerationRequest]:
    number = len(service.generator.drawn)
    answer_of(service, sent)
    return service.generator.drawn[number:]


def test_several_images_are_a_batch(shared: Service) -> None:
    sent = body(init_images=[RED, BLUE], seed=10, batch_size=5, n_iter=2)
    drawn = drawn_for(shared, sent)
    begun = [(each.seed, each.num_images, each.source) for each in drawn]
    assert [(seed, number) for seed, number, _ in begun] == [(seed, 1) for seed in range(10, 14)]
    ids = [source.init_image.id for _, _, source in begun if source is not None]
    assert ids == [id_of(RED), id_of(BLUE)] * 2
    answer = answer_of(shared, sent)
    assert len(answer["images"]) == 4
    assert answer["parameters"]["batch_size"] == 2
    info = json.loads(answer["info"])
    assert (info["all_seeds"], info["batch_size"]) == ([10, 11, 12, 13], 2)


def test_one_image_is_the_start_of_every_picture(shared: Service) -> None:
    (drawn,) = drawn_for(shared, from_picture(batch_size=2, n_iter=2, seed=3))
    assert (drawn.num_images, drawn.seed) == (4, 3)


def test_random_seeds_of_several_images_follow_each_other(shared: Service) -> None:
    first, second, third = drawn_for(shared, body(init_images=[RED, BLUE, GREEN]))
    assert first.seed is not None
    assert (second.seed, third.seed) == (first.seed + 1, first.seed + 2)


def test_the_last_seed_of_several_images_has_its_bound(shared: Service) -> None:
    sent = body(init_images=[RED, BLUE], seed=2**53 - 1)
    assert list(refused(shared, sent)) == ["seed"]
    assert drawn_for(shared, sent | {"seed": 2**53 - 2})[-1].seed == 2**53 - 1


def test_one_failed_image_fails_the_batch(shared: Service) -> None:
    shared.generator.failures.append(errors.GenerationFailed("not finite"))
    sent = body(init_images=[RED, BLUE, GREEN])
    response = shared.client.post(IMG2IMG, json=sent, headers=AUTHORIZED)
    assert error_of(response, 500)["error"] == "generation_failed"


def test_a_batch_larger_than_the_queue_is_drawn(service: Service) -> None:
    # The queue of these tests has two places.
    assert len(drawn_for(service, body(init_images=[RED, BLUE] * 4))) == 8


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


@pytest.mark.parametrize("scale", [None, 0, 1, "1.5", 7])
def test_image_guidance_has_no_effect_on_models_that_do_not_have_it(
    shared: Service, scale: object
) -> None:
    sent = from_picture(image_cfg_scale=scale)
    assert source_of(shared, sent).image_guidance_scale is None
    ignored = json.loads(answer_of(shared, sent)["info"])["ignored"]
    assert ignored == (["image_cfg_scale"] if scale == 7 else [])


@pytest.fixture
def with_edits(service: Service) -> Service:
    """A service with an instruct-pix2pix model alone."""
    service.source.files.clear()
    edits = model_record(b"e", "models/edits.safetensors")
    service.source.others = (dataclasses.replace(edits, family=ModelFamily.SD_1_PIX2PIX),)
    service.container.model_registry().refresh()
    return service


@pytest.mark.parametrize("scale, kept", [(None, None), (1.5, 1.5), ("3", 3.0), (10, 10.0)])
def test_image_guidance_is_that_of_instruct_pix2pix(
    with_edits: Service, scale: object, kept: float | None
) -> None:
    sent = from_picture(image_cfg_scale=scale)
    assert source_of(with_edits, sent).image_guidance_scale == kept
    assert json.loads(answer_of(with_edits, sent)["info"])["ignored"] == []


@pytest.mark.parametrize("scale", [0, 0.9, 10.1])
def test_image_guidance_of_instruct_pix2pix_has_bounds(with_edits: Service, scale: float) -> None:
    assert list(refused(with_edits, from_picture(image_cfg_scale=scale))) == ["image_cfg_scale"]


def test_instruct_pix2pix_needs_a_picture(with_edits: Service) -> None:
    assert "picture" in refused(with_edits, body(), TXT2IMG)["init_images"]


def test_the_fields_of_the_other_route_are_named_as_ignored(shared: Service) -> None:
    answer = answer_of(shared, from_picture(enable_hr=True, hr_scale=3))
    assert json.loads(answer["info"])["ignored"] == ["enable_hr", "hr_scale"]


def test_a_picture_of_a_refused_request_is_not_kept(service: Service) -> None:
    refused(service, from_picture(sampler_name="Restart"))
    with pytest.raises(errors.PictureNotFound):
        service.container.pictures().read(id_of(picture()))
