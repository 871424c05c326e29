"""What every reader of pictures' parameters does, the fake and the real one."""

import pytest
from PIL import Image

from adapters.diffusion.drawing.picture_files import encode_picture
from adapters.pictures.parameters import PictureFileReader
from domain.errors import UnreadablePicture
from domain.generation.output_formats import OutputFormat
from domain.generation.picture_parameters import PictureParameters
from domain.ports.picture_parameters import PictureParametersReader
from tests.fakes.picture_parameters import FakePictureParametersReader

TEXT = "Grüße, 山と湖 🏔\nNegative prompt: n\nSteps: 20, Seed: 7, Size: 8x8"


def picture(output_format: OutputFormat, text: str | None) -> bytes:
    """A file of this service."""
    quality = 90 if output_format.has_quality else None
    return encode_picture(Image.new("RGB", (256, 256)), text, output_format, quality)


@pytest.fixture(params=["fake", "file"])
def reader(request: pytest.FixtureRequest) -> PictureParametersReader:
    if request.param == "file":
        return PictureFileReader()
    fake = FakePictureParametersReader()
    for each in OutputFormat:
        fake.known[picture(each, TEXT)] = PictureParameters(TEXT)
        fake.known[picture(each, None)] = PictureParameters()
    return fake


@pytest.mark.parametrize("output_format", OutputFormat)
def test_the_parameters_of_a_picture_are_read(
    reader: PictureParametersReader, output_format: OutputFormat
) -> None:
    assert reader.read(picture(output_format, TEXT)) == PictureParameters(TEXT)


@pytest.mark.parametrize("output_format", OutputFormat)
def test_a_picture_may_have_no_parameters(
    reader: PictureParametersReader, output_format: OutputFormat
) -> None:
    assert reader.read(picture(output_format, None)) == PictureParameters()


@pytest.mark.parametrize("data", [b"", b"no picture", b"GIF89a", b"\x89PNG", b"RIFF\x04\0\0\0WAVE"])
def test_other_data_is_not_a_picture(reader: PictureParametersReader, data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="send a PNG, JPEG or WebP file"):
        reader.read(data)
