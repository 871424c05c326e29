"""A client of AUTOMATIC1111's API, `webuiapi`, draws from pictures and enlarges them."""

import threading
from collections.abc import Iterator

import pytest
import webuiapi
from PIL import Image, ImageChops, ImageDraw, ImageStat

from tests.e2e.service import API_KEY, RunningService, run_demo_service

pytestmark = pytest.mark.torch

SIDE = 256
DRAWN = {"prompt": "a blue square", "seed": 7, "steps": 4, "width": SIDE, "height": SIDE}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with run_demo_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def api(service: RunningService) -> Iterator[webuiapi.WebUIApi]:
    host, port = service.url.removeprefix("http://").split(":")
    api = webuiapi.WebUIApi(host=host, port=int(port), username="anybody", password=API_KEY)
    api.session.trust_env = False
    yield api
    api.session.close()


@pytest.fixture(scope="module")
def start(api: webuiapi.WebUIApi) -> Image.Image:
    """A picture to start from."""
    image: Image.Image = api.txt2img(**(DRAWN | {"prompt": "a red circle"})).image
    return image


def mask_of(box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    return mask


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures, of 255."""
    changed = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return sum(ImageStat.Stat(changed).mean) / 3


def test_the_change_grows_with_the_strength(api: webuiapi.WebUIApi, start: Image.Image) -> None:
    changes = [
        difference(start, api.img2img(images=[start], denoising_strength=strength, **DRAWN).image)
        for strength in (0, 0.5, 1)
    ]
    assert changes[0] < 8
    assert 2 * changes[0] < changes[1] < changes[2]


def test_the_answer_carries_the_parameters(api: webuiapi.WebUIApi, start: Image.Image) -> None:
    result = api.img2img(
        images=[start], denoising_strength=0.4, include_init_images=True, n_iter=2, **DRAWN
    )
    assert [image.size for image in result.images] == [(SIDE, SIDE)] * 2
    assert result.info["all_seeds"] == [7, 8]
    assert result.parameters["denoising_strength"] == 0.4
    assert len(result.parameters["init_images"]) == 1
    text = result.image.info["parameters"]
    assert result.info["infotexts"][0] == text
    assert "Denoising strength: 0.4" in text


def test_only_the_masked_part_is_drawn_again(api: webuiapi.WebUIApi, start: Image.Image) -> None:
    box = (64, 64, 191, 191)
    options = {"mask_image": mask_of(box), "mask_blur": 0, "inpainting_fill": 1}
    result = api.img2img(
        images=[start], inpaint_full_res=False, denoising_strength=0.9, **options, **DRAWN
    )
    changed = ImageChops.difference(start.convert("RGB"), result.image)
    left, top, right, bottom = changed.getbbox()
    assert left >= 64 and top >= 64
    assert right <= 192 and bottom <= 192
    assert difference(start.crop(box), result.image.crop(box)) > 5
    inverted = api.img2img(
        images=[start],
        **{"inpaint_full_res": False, "denoising_strength": 0.9, "inpainting_mask_invert": 1},
        **options,
        **DRAWN,
    )
    inside = (64, 64, 192, 192)
    kept = ImageChops.difference(start.convert("RGB"), inverted.image).crop(inside)
    assert kept.getbbox() is None
    assert difference(start, inverted.image) > 1


def test_the_box_of_a_mask_is_drawn_at_full_size(
    api: webuiapi.WebUIApi, start: Image.Image
) -> None:
    mask = mask_of((96, 96, 159, 159))
    result = api.img2img(
        images=[start], mask_image=mask, mask_blur=0, inpaint_full_res_padding=16, **DRAWN
    )
    left, top, right, bottom = ImageChops.difference(start.convert("RGB"), result.image).getbbox()
    assert left >= 96 and top >= 96
    assert right <= 160 and bottom <= 160


def test_each_of_several_images_is_drawn_from(api: webuiapi.WebUIApi, start: Image.Image) -> None:
    images = [start, ImageChops.invert(start.convert("RGB"))]
    together = api.img2img(images=images, denoising_strength=0.4, **DRAWN)
    assert together.info["all_seeds"] == [7, 8]
    second = api.img2img(images=images[1:], denoising_strength=0.4, **(DRAWN | {"seed": 8}))
    assert together.images[1].tobytes() == second.image.tobytes()


@pytest.mark.parametrize("upscaler", ["None", "Latent", "Lanczos"])
def test_a_second_pass_enlarges_the_picture(api: webuiapi.WebUIApi, upscaler: str) -> None:
    result = api.txt2img(
        enable_hr=True, hr_scale=1.5, hr_upscaler=upscaler, hr_second_pass_steps=4, **DRAWN
    )
    assert result.image.size == (384, 384)
    assert "Hires upscale: 1.5" in result.image.info["parameters"]
    assert result.info["denoising_strength"] == 0.7
    plain = api.txt2img(**DRAWN).image
    assert difference(plain, result.image.resize(plain.size)) < 40


def test_the_noise_has_its_factor(api: webuiapi.WebUIApi, start: Image.Image) -> None:
    plain, same, less = (
        api.img2img(images=[start], denoising_strength=0.5, **options, **DRAWN).image
        for options in ({}, {"initial_noise_multiplier": 1}, {"initial_noise_multiplier": 0.5})
    )
    assert plain.tobytes() == same.tobytes()
    assert difference(plain, less) > 1


def test_the_client_enlarges_pictures(api: webuiapi.WebUIApi, start: Image.Image) -> None:
    names = [row["name"] for row in api.get_upscalers()]
    assert names[:2] == ["None", "Lanczos"]
    large = api.extra_single_image(image=start, upscaler_1="Lanczos", upscaling_resize=1.5)
    assert large.image.size == (384, 384)
    assert "Lanczos" in large.info
    same = api.extra_single_image(image=start)
    assert same.image.tobytes() == start.convert("RGB").tobytes()
    both = api.extra_batch_images(
        images=[start, start.crop((0, 0, 128, 64))],
        upscaler_1=webuiapi.Upscaler.Lanczos,
        resize_mode=1,
        upscaling_resize_w=300,
        upscaling_resize_h=300,
    )
    assert [image.size for image in both.images] == [(300, 300)] * 2
    with pytest.raises(RuntimeError, match=r"422.*upscaler_1.*Lanczos"):
        api.extra_single_image(image=start, upscaler_1=webuiapi.Upscaler.ESRGAN_4x)
    with pytest.raises(RuntimeError, match=r"422.*gfpgan_visibility"):
        api.extra_single_image(image=start, gfpgan_visibility=0.5)


def test_the_client_stops_a_drawing_from_a_picture(
    api: webuiapi.WebUIApi, start: Image.Image
) -> None:
    ends: list[str] = []

    def wait() -> None:
        try:
            api.img2img(images=[start], **(DRAWN | {"steps": 150, "width": 768, "height": 768}))
        except RuntimeError as error:
            ends.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    while (seen := api.get_progress()["state"])["sampling_step"] == 0:
        assert waiting.is_alive()
    assert seen["sampling_steps"] == int(150 * 0.75)
    api.interrupt()
    waiting.join(60)
    assert "409" in ends[0]


def test_what_cannot_be_done_is_an_error_that_names_the_field(
    api: webuiapi.WebUIApi, start: Image.Image
) -> None:
    with pytest.raises(RuntimeError, match=r"422.*resize_mode"):
        api.img2img(images=[start], resize_mode=3, **DRAWN)
    with pytest.raises(RuntimeError, match=r"422.*init_images"):
        api.img2img(images=[], **DRAWN)
    with pytest.raises(RuntimeError, match=r"422.*hr_upscaler.*Lanczos"):
        api.txt2img(enable_hr=True, hr_upscaler="SwinIR 4x", **DRAWN)
