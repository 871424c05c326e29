import io
from itertools import pairwise

import pytest
from PIL import Image

from adapters.diffusion.drawing.picture_files import crop_centre, encode_picture
from domain.generation.output_formats import OutputFormat


@pytest.mark.parametrize("text", ["plain", "Grüße", "山と湖 🏔"])
def test_a_png_carries_its_parameters_in_any_script(text: str) -> None:
    data = encode_picture(Image.new("RGB", (256, 256)), text)
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    assert image.info == {"parameters": text}


def test_a_png_without_parameters() -> None:
    image = Image.open(io.BytesIO(encode_picture(Image.new("RGB", (8, 8)), None)))
    assert image.info == {}


def test_encoding_keeps_every_pixel_and_is_deterministic() -> None:
    image = Image.effect_noise((64, 48), 90).convert("RGB")
    data = encode_picture(image, "x")
    assert Image.open(io.BytesIO(data)).tobytes() == image.tobytes()
    assert encode_picture(image, "x") == data


EXIF_TAGS, USER_COMMENT = 0x8769, 0x9286
LOSSY = (OutputFormat.JPEG, OutputFormat.WEBP)
NOISE = Image.effect_noise((64, 48), 90).convert("RGB")


@pytest.mark.parametrize("output_format", LOSSY)
@pytest.mark.parametrize("quality", [1, 90, 100])
@pytest.mark.parametrize("text", ["plain", "山と湖 🏔\nSteps: 20", "😀" * 2200])
def test_jpeg_and_webp_carry_their_parameters_in_the_fields_that_tools_read(
    output_format: OutputFormat, quality: int, text: str
) -> None:
    """Return the comment as AUTOMATIC1111's piexif reads it: UNICODE, big-endian UTF-16."""
    image = Image.open(io.BytesIO(encode_picture(NOISE, text, output_format, quality)))
    assert (image.format, image.size, image.mode) == (output_format.upper(), (64, 48), "RGB")
    exif = image.getexif()
    assert list(exif) == [EXIF_TAGS]
    comment = exif.get_ifd(EXIF_TAGS)[USER_COMMENT]
    assert comment == b"UNICODE\0" + text.encode("utf-16-be")
    raw = image.info["exif"].removeprefix(b"Exif\0\0")
    assert raw.startswith(b"MM\0*")
    assert raw[28:32] == b"\x92\x86\0\x07"  # the comment's number, and its type: undefined bytes


@pytest.mark.parametrize("output_format", LOSSY)
def test_jpeg_and_webp_without_parameters(output_format: OutputFormat) -> None:
    image = Image.open(io.BytesIO(encode_picture(NOISE, None, output_format, 90)))
    assert dict(image.getexif()) == {}


@pytest.mark.parametrize("output_format", LOSSY)
def test_a_higher_quality_has_more_bytes(output_format: OutputFormat) -> None:
    sizes = [len(encode_picture(NOISE, None, output_format, q)) for q in (1, 30, 60, 90, 100)]
    assert all(less < more for less, more in pairwise(sizes))


def test_webp_is_lossless_at_quality_100_only() -> None:
    for quality, same in ((100, True), (99, False)):
        data = encode_picture(NOISE, "x", OutputFormat.WEBP, quality)
        assert (Image.open(io.BytesIO(data)).tobytes() == NOISE.tobytes()) == same


@pytest.mark.parametrize("output_format", LOSSY)
def test_a_format_with_a_quality_needs_one(output_format: OutputFormat) -> None:
    with pytest.raises(ValueError, match="needs a quality"):
        encode_picture(NOISE, None, output_format)


def test_cropping_keeps_the_middle() -> None:
    image = Image.new("RGB", (264, 264))
    image.putpixel((2, 3), (255, 0, 0))
    cropped = crop_centre(image, 260, 257)
    assert cropped.size == (260, 257)
    assert cropped.getpixel((0, 0)) == (255, 0, 0)


def test_cropping_to_the_same_size_changes_nothing() -> None:
    image = Image.effect_noise((256, 256), 90).convert("RGB")
    assert crop_centre(image, 256, 256).tobytes() == image.tobytes()
