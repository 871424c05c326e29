"""What every picture codec does with parameters, the fake and the real one."""

import pytest

from adapters.pictures.codec import PillowPictureCodec
from domain.errors import UnreadablePicture
from domain.generation.output_formats import OutputFormat
from domain.generation.parameters import PictureParameters
from domain.generation.raster import Raster
from domain.ports.picture_codec import PictureCodec
from tests.fakes.picture_codec import FakePictureCodec

TEXT = "Grüße, 山と湖 🏔\nNegative prompt: n\nSteps: 20, Seed: 7, Size: 8x8"


BLACK = Raster(256, 256, bytes(3 * 256 * 256))


def picture(codec: PictureCodec, output_format: OutputFormat, text: str | None) -> bytes:
    """A file of this service."""
    return codec.encode(BLACK, text, output_format, 90 if output_format.has_quality else None)


@pytest.fixture(params=["fake", "pillow"])
def codec(request: pytest.FixtureRequest) -> PictureCodec:
    return PillowPictureCodec() if request.param == "pillow" else FakePictureCodec()


@pytest.mark.parametrize("output_format", OutputFormat)
def test_what_a_picture_was_given_is_read(codec: PictureCodec, output_format: OutputFormat) -> None:
    assert codec.parameters(picture(codec, output_format, TEXT)) == PictureParameters(TEXT)


@pytest.mark.parametrize("output_format", OutputFormat)
def test_a_picture_may_say_nothing(codec: PictureCodec, output_format: OutputFormat) -> None:
    assert codec.parameters(picture(codec, output_format, None)) == PictureParameters()


@pytest.mark.parametrize("data", [b"", b"no picture", b"GIF89a", b"\x89PNG", b"RIFF\x04\0\0\0WAVE"])
def test_bytes_that_are_not_a_picture_have_no_parameters(codec: PictureCodec, data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="is not a PNG, JPEG or WebP file"):
        codec.parameters(data)
