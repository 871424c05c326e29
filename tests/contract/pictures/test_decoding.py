"""What a picture codec does with pictures that strangers send, the fake and the real one."""

import hashlib
import io
import struct
from collections.abc import Iterator
from itertools import pairwise

import pytest
from PIL import Image, ImageChops, ImageCms

from adapters.pictures.codec import PillowPictureCodec
from domain.errors import UnreadablePicture
from domain.generation.raster import GreyRaster, Raster
from domain.ports.picture_codec import PictureCodec
from tests.fakes.picture_codec import FakePictureCodec
from tests.unit.pictures.hostile_pictures import chunk

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
PILLOW = PillowPictureCodec()


@pytest.fixture(params=["fake", "pillow"])
def codec(request: pytest.FixtureRequest) -> PictureCodec:
    return FakePictureCodec() if request.param == "fake" else PillowPictureCodec()


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def shown(raster: Raster | GreyRaster) -> Image.Image:
    mode = "RGB" if isinstance(raster, Raster) else "L"
    return Image.frombytes(mode, (raster.width, raster.height), raster.pixels)


def gradient(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, down, ImageChops.invert(across))).convert(mode)


def largest_difference(one: Image.Image, other: Image.Image) -> int:
    bounds = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getextrema()
    return max(high for _, high in bounds)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_facts_of_a_picture(codec: PictureCodec, kind: str) -> None:
    data = file_of(gradient(), kind)
    ref = codec.inspect(data)
    assert ref.id == hashlib.sha256(data).hexdigest()
    assert (ref.media_type, ref.size) == (FORMATS[kind], len(data))
    assert (ref.width, ref.height) == (64, 48)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("sides", [(1, 1), (7, 8), (8, 7), (1, 100), (9, 3), (17, 16)])
def test_a_picture_may_have_any_sides(
    codec: PictureCodec, kind: str, sides: tuple[int, int]
) -> None:
    ref = codec.inspect(file_of(gradient(*sides), kind))
    assert (ref.width, ref.height) == sides


@pytest.mark.parametrize("kind", FORMATS)
def test_the_pixels_of_a_picture(codec: PictureCodec, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}
    raster = codec.decode(file_of(gradient(), kind, **options))
    assert (raster.width, raster.height) == (64, 48)
    assert largest_difference(shown(raster), gradient()) <= (3 if kind == "JPEG" else 0)


def test_white_of_a_mask_is_drawn_again(codec: PictureCodec) -> None:
    mask = Image.new("L", (4, 1))
    mask.putdata([0, 255, 128, 7])
    assert bytes(codec.decode_mask(file_of(mask)).pixels) == bytes([0, 255, 128, 7])


def test_an_opaque_picture_has_no_mask_of_its_own(codec: PictureCodec) -> None:
    assert codec.transparency_mask(file_of(gradient())) is None
    assert codec.transparency_mask(file_of(gradient(mode="RGBA"))) is None


def test_transparent_pixels_become_a_mask(codec: PictureCodec) -> None:
    picture = Image.new("RGBA", (3, 1))
    picture.putdata([(255, 255, 255, 255), (9, 9, 9, 0), (0, 0, 0, 55)])
    made = codec.transparency_mask(file_of(picture))
    assert made is not None
    assert made == codec.transparency_mask(file_of(picture))
    assert bytes(codec.decode_mask(made).pixels) == bytes([0, 255, 200])


def test_an_encoded_mask_keeps_every_level(codec: PictureCodec) -> None:
    mask = GreyRaster(16, 16, bytes(range(256)))
    data = codec.encode_mask(mask)
    assert data == codec.encode_mask(GreyRaster(16, 16, memoryview(bytes(range(256)))))
    assert codec.inspect(data).media_type == "image/png"
    assert codec.transparency_mask(data) is None
    assert codec.decode_mask(data) == mask


@pytest.mark.parametrize(
    "data", [b"", b"x" * 500, b"GIF89a" + bytes(40), file_of(gradient(), "BMP")]
)
@pytest.mark.parametrize("method", ["inspect", "decode", "decode_mask", "transparency_mask"])
def test_another_file_is_refused(codec: PictureCodec, method: str, data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="not a PNG, JPEG or WebP"):
        getattr(codec, method)(data)


def cuts() -> Iterator[bytes]:
    for kind in FORMATS:
        data = file_of(gradient(256, 256), kind)
        for place in (20, len(data) // 3, len(data) // 2, len(data) - 40):
            yield data[:place]


@pytest.mark.parametrize("data", [*cuts()])
def test_a_file_that_is_cut_off_is_refused(codec: PictureCodec, data: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        codec.inspect(data)


# From here on: the real codec alone.


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_without_its_last_bytes_is_refused(kind: str) -> None:
    with pytest.raises(UnreadablePicture, match="is cut off"):
        PILLOW.inspect(file_of(gradient(256, 256), kind)[:-3])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FORMATS)
def test_the_orientation_is_undone(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}
    data = file_of(gradient(), kind, exif=exif, **options)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    expected = gradient() if undo is None else gradient().transpose(undo)
    ref, raster, mask = PILLOW.inspect(data), PILLOW.decode(data), PILLOW.decode_mask(data)
    assert (ref.width, ref.height) == (raster.width, raster.height) == expected.size
    assert (mask.width, mask.height) == expected.size
    assert largest_difference(shown(raster), expected) <= (3 if kind == "JPEG" else 0)


@pytest.mark.parametrize("exif", [b"", b"MM\0*", b"MM\0*\0\0\0\x08\xff\xff", b"nonsense" * 9])
def test_a_damaged_orientation_counts_as_none(exif: bytes) -> None:
    data = file_of(gradient(), "JPEG", exif=b"Exif\0\0" + exif)
    assert PILLOW.inspect(data).width == 64


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_unknown_orientation_counts_as_none(value: int) -> None:
    exif = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, value, 0, 0)
    assert PILLOW.inspect(file_of(gradient(), "PNG", exif=exif)).width == 64


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_of_a_png_becomes_rgb(mode: str) -> None:
    picture = gradient(mode="RGB").convert(mode)
    raster = PILLOW.decode(file_of(picture))
    assert largest_difference(shown(raster), picture.convert("RGB")) == 0


def raw_png(colour: int, depth: int, rows: bytes, width: int, height: int, *more: bytes) -> bytes:
    """Return a PNG whose rows are given with their filter bytes."""
    import zlib

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND")


def test_16_bits_become_8() -> None:
    levels = (0, 255, 256, 4660, 32768, 65535)
    rows = b"\0" + struct.pack(">6H", *levels)
    raster = PILLOW.decode(raw_png(0, 16, rows, 6, 1))
    assert list(bytes(raster.pixels)[::3]) == [each >> 8 for each in levels]
    colour = b"\0" + struct.pack(">6H", *levels)
    assert list(bytes(PILLOW.decode(raw_png(2, 16, colour, 2, 1)).pixels)) == [
        each >> 8 for each in levels
    ]


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_grey_of_a_png_lies_on_white(depth: int) -> None:
    most = 2**depth - 1
    if depth == 16:
        rows, width = b"\0" + struct.pack(">2H", 1, 257), 2
        transparent, seen = 257, [0, 255]
    elif depth == 8:
        rows, width, transparent, seen = bytes([0, 7, 9]), 2, 9, [7, 255]
    else:
        # Each byte begins with the level 0, and the highest level follows.
        rows, width = bytes([0, most << (8 - 2 * depth)]), 2
        transparent, seen = 0, [255, 255]
    data = raw_png(0, depth, rows, width, 1, chunk(b"tRNS", struct.pack(">H", transparent)))
    assert list(bytes(PILLOW.decode(data).pixels)[::3]) == seen
    mask = PILLOW.transparency_mask(data)
    assert mask is not None
    expected = [255, 0] if depth < 8 else [0, 255]
    assert list(bytes(PILLOW.decode_mask(mask).pixels)) == expected


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_of_a_png_lies_on_white(depth: int) -> None:
    colours = ((10, 20, 30), (10, 20, 31))
    pack = (lambda each: each) if depth == 8 else (lambda each: each * 257)
    flat = [pack(level) for colour in colours for level in colour]
    rows = b"\0" + (bytes(flat) if depth == 8 else struct.pack(">6H", *flat))
    clear = struct.pack(">3H", *(pack(level) for level in colours[1]))
    data = raw_png(2, depth, rows, 2, 1, chunk(b"tRNS", clear))
    assert list(bytes(PILLOW.decode(data).pixels)) == [10, 20, 30, 255, 255, 255]


def test_a_transparent_palette_lies_on_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([200, 0, 0, 0, 200, 0])
    picture.putdata([0, 1])
    data = file_of(picture, transparency=1)
    assert list(bytes(PILLOW.decode(data).pixels)) == [200, 0, 0, 255, 255, 255]


def test_transparency_in_a_mask_is_drawn_again() -> None:
    mask = Image.new("LA", (3, 1))
    mask.putdata([(0, 255), (0, 0), (255, 255)])
    assert bytes(PILLOW.decode_mask(file_of(mask)).pixels) == bytes([0, 255, 255])


def test_cmyk_becomes_rgb() -> None:
    data = file_of(gradient().convert("CMYK"), "JPEG", quality=100)
    assert largest_difference(shown(PILLOW.decode(data)), gradient()) <= 6


def test_a_wide_profile_becomes_srgb() -> None:
    """The red of Display P3 is outside sRGB; a milder one changes by a known amount."""
    source = Image.new("RGB", (8, 8), (200, 100, 100))
    lab = ImageCms.createProfile("LAB")
    plain = shown(PILLOW.decode(file_of(source)))
    assert plain.getpixel((0, 0)) == (200, 100, 100)
    # A profile of another colour space than the pixels is ignored, as in browsers.
    other = file_of(source, icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    assert shown(PILLOW.decode(other)).getpixel((0, 0)) == (200, 100, 100)
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert largest_difference(shown(PILLOW.decode(file_of(source, icc_profile=same))), plain) <= 1


@pytest.mark.parametrize("kind", FORMATS)
def test_a_swapped_profile_swaps_the_colours(kind: str) -> None:
    """A profile whose red and blue primaries are swapped shows that the profile is used."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}
    source = Image.new("RGB", (8, 8), (200, 60, 60))
    data = file_of(source, kind, icc_profile=bytes(profile), **options)
    red_now, _, blue_now = shown(PILLOW.decode(data)).getpixel((0, 0))
    assert blue_now > 150 > red_now
    assert PILLOW.inspect(data).width == 8


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_profile_is_ignored(kind: str) -> None:
    data = file_of(gradient(), kind, icc_profile=b"nonsense" * 30)
    assert PILLOW.decode(data).width == 64


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_first_frame_of_an_animation_counts(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = file_of(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert shown(PILLOW.decode(data)).getpixel((0, 0)) == (255, 0, 0)


def test_interlaced_and_progressive_files() -> None:
    progressive = file_of(gradient(), "JPEG", progressive=True, quality=95)
    assert largest_difference(shown(PILLOW.decode(progressive)), gradient()) <= 12
    assert PILLOW.inspect(progressive).height == 48


def test_many_small_pixel_chunks_are_one_picture() -> None:
    data = file_of(gradient(256, 256))
    start = data.index(b"IDAT") - 4
    length = int.from_bytes(data[start : start + 4])
    pixels = data[start + 8 : start + 8 + length]
    places = [*range(0, len(pixels), 100), len(pixels)]
    several = b"".join(chunk(b"IDAT", pixels[a:b]) for a, b in pairwise(places))
    raster = PILLOW.decode(data[:start] + several + chunk(b"IEND"))
    assert largest_difference(shown(raster), gradient(256, 256)) == 0
