import io

import pytest
from PIL import Image

from adapters.diffusion.encoding import crop_centre, encode_png, parameters_text
from domain.generation import GenerationRequest

REQUEST = GenerationRequest(
    id="r1",
    model_id="ab" * 32,
    prompt="a red circle,\nbig",
    negative_prompt="blue",
    width=260,
    height=300,
    num_inference_steps=20,
    guidance_scale=7.0,
    seed=7,
)


def test_parameters_are_in_the_form_that_the_fields_tools_read() -> None:
    assert parameters_text(REQUEST, seed=8, sampler="DPM++ 2M") == (
        "a red circle,\nbig\n"
        "Negative prompt: blue\n"
        "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 8, Size: 260x300, "
        "Model hash: ababababab"
    )


@pytest.mark.parametrize("text", ["plain", "Grüße", "山と湖 🏔"])
def test_a_png_carries_its_parameters_in_any_script(text: str) -> None:
    data = encode_png(Image.new("RGB", (256, 256)), text)
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    assert image.info == {"parameters": text}


def test_a_png_can_go_without() -> None:
    image = Image.open(io.BytesIO(encode_png(Image.new("RGB", (8, 8)), None)))
    assert image.info == {}


def test_encoding_keeps_every_pixel_and_is_the_same_each_time() -> None:
    image = Image.effect_noise((64, 48), 90).convert("RGB")
    data = encode_png(image, "x")
    assert Image.open(io.BytesIO(data)).tobytes() == image.tobytes()
    assert encode_png(image, "x") == data


def test_cropping_takes_the_middle() -> None:
    image = Image.new("RGB", (264, 264))
    image.putpixel((2, 3), (255, 0, 0))
    cropped = crop_centre(image, 260, 257)
    assert cropped.size == (260, 257)
    assert cropped.getpixel((0, 0)) == (255, 0, 0)


def test_cropping_to_the_same_size_changes_nothing() -> None:
    image = Image.effect_noise((256, 256), 90).convert("RGB")
    assert crop_centre(image, 256, 256).tobytes() == image.tobytes()
