"""What every thumbnail maker does, the fake and Pillow's."""

import io

import pytest
from PIL import Image

from adapters.pictures.thumbnails import PillowThumbnailMaker
from domain.errors import UnreadablePicture
from domain.ports.thumbnail_maker import ThumbnailMaker
from tests.fakes.thumbnail_maker import FakeThumbnailMaker

FORMATS = ("PNG", "JPEG", "WEBP")


def picture(width: int, height: int, kind: str = "PNG", mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(stream, kind)
    return stream.getvalue()


@pytest.fixture(params=["fake", "pillow"])
def maker(request: pytest.FixtureRequest) -> ThumbnailMaker:
    return FakeThumbnailMaker() if request.param == "fake" else PillowThumbnailMaker()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_thumbnail_is_a_webp_file(maker: ThumbnailMaker, kind: str) -> None:
    small = maker.make(picture(1024, 1024, kind))
    assert (small[:4], small[8:12]) == (b"RIFF", b"WEBP")


@pytest.mark.parametrize("data", [b"", b"x" * 500, b"<script>", picture(64, 64)[:12]])
def test_bytes_that_are_not_a_picture_are_refused(maker: ThumbnailMaker, data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="cannot be read"):
        maker.make(data)


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1024, 1024), (384, 384)),
        ((1536, 640), (384, 160)),
        ((640, 1536), (160, 384)),
        ((385, 385), (384, 384)),
        ((384, 300), (384, 300)),
        ((256, 256), (256, 256)),
    ],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_it_fits_384_pixels_and_keeps_its_shape(
    size: tuple[int, int], small: tuple[int, int], kind: str
) -> None:
    made = PillowThumbnailMaker().make(picture(*size, kind))
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == small
        assert image.mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
def test_pictures_of_every_mode_are_reduced(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (500, 500)).save(stream, "PNG")
    assert PillowThumbnailMaker().make(stream.getvalue())


@pytest.mark.parametrize("kind", FORMATS)
def test_a_truncated_picture_is_refused(kind: str) -> None:
    stream = io.BytesIO()
    Image.effect_noise((600, 600), 80).convert("RGB").save(stream, kind)
    half = stream.getvalue()[: len(stream.getvalue()) // 2]
    with pytest.raises(UnreadablePicture):
        PillowThumbnailMaker().make(half)


def test_it_shows_what_the_picture_shows() -> None:
    stream = io.BytesIO()
    half = Image.new("RGB", (800, 400), "red")
    half.paste("blue", (400, 0, 800, 400))
    half.save(stream, "PNG")
    with Image.open(io.BytesIO(PillowThumbnailMaker().make(stream.getvalue()))) as image:
        red, blue = image.getpixel((40, 100)), image.getpixel((340, 100))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert red[0] > 200 > 60 > red[2]
    assert blue[2] > 200 > 60 > blue[0]
