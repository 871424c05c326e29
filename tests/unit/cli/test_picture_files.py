"""Parameters of pictures from elsewhere, and malicious pictures."""

import io
import struct
import time
import tracemalloc

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from adapters.pictures.parameters import read_parameters
from domain.errors import UnreadablePicture
from domain.generation.parameters import PictureParameters
from tests.unit.pictures.hostile_pictures import chunk, exif, jpeg, packed, png, segment, webp

APP1 = 0xE1
TEXT = "a lake\nSteps: 20, Seed: 7, Size: 8x8"
PACKED = 1_048_576
"""The largest number of text bytes in a picture."""
MOST_PIXELS = 16_384 * 16_384
LATIN, UNICODE, OTHER = b"ASCII\0\0\0", b"UNICODE\0", bytes(8)


def read(data: bytes) -> PictureParameters:
    return read_parameters(data)


def test_every_kind_of_text_chunk_is_read() -> None:
    info = PngInfo()
    info.add_text("parameters", "plain")
    info.add_text("Software", "latin é")
    info.add_text("packed", "z" * 5000, zip=True)
    info.add_itxt("Title", "山", lang="ja", tkey="題")
    info.add_itxt("long", "湖" * 5000, zip=True)
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG", pnginfo=info)
    found = read(stream.getvalue())
    assert found.text == "plain"
    assert found.items == {
        **{"Software": "latin é", "packed": "z" * 5000, "Title": "山", "long": "湖" * 5000},
    }


def test_text_after_the_pixels_is_read_too() -> None:
    text = chunk(b"tEXt", b"parameters\0" + TEXT.encode())
    assert read(png()[: -len(chunk(b"IEND"))] + text + chunk(b"IEND")).text == TEXT


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize(
    "comment",
    [
        UNICODE + TEXT.encode("utf-16-be"),
        UNICODE + TEXT.encode("utf-16-le"),
        UNICODE + b"\xff\xfe" + TEXT.encode("utf-16-le"),
        UNICODE + b"\xfe\xff" + TEXT.encode("utf-16-be"),
        LATIN + TEXT.encode(),
        OTHER + TEXT.encode(),
        TEXT.encode(),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_comment_of_any_tool_is_read(kind: str, comment: bytes, order: str) -> None:
    data = exif(comment, order)
    prefixed = b"Exif\0\0" + data
    if kind == "jpeg":
        assert read(jpeg(segment(APP1, b"http:"), segment(APP1, prefixed))).text == TEXT
    else:
        assert read(webp((b"XMP ", b"odd"), (b"EXIF", data))).text == TEXT
        assert read(webp((b"EXIF", prefixed))).text == TEXT


@pytest.mark.parametrize("order, encoding", [("<", "utf-16-le"), (">", "utf-16-be")])
def test_ambiguous_characters_use_the_byte_order_of_the_file(order: str, encoding: str) -> None:
    data = exif(UNICODE + "山".encode(encoding), order)
    assert read(webp((b"EXIF", data))) == PictureParameters("山")


@pytest.mark.parametrize(
    "data",
    [b"", b"ab", b"XX\0*\0\0\0\x08", b"MM\0*\0\0\0\x08\0\0", exif(b"abc")],
    ids=repr,
)
def test_exif_without_a_comment_has_no_text(data: bytes) -> None:
    assert read(webp((b"EXIF", data))).text == ""


@pytest.mark.parametrize("end", range(4, 60, 5))
def test_truncated_exif_is_refused(end: int) -> None:
    with pytest.raises(UnreadablePicture, match="Exif is cut off"):
        read(webp((b"EXIF", exif(LATIN + TEXT.encode())[:end])))


def real(kind: str) -> bytes:
    stream = io.BytesIO()
    image = Image.effect_noise((64, 48), 90).convert("RGB")
    image.save(stream, kind, exif=b"Exif\0\0" + exif(LATIN + b"x"))
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_truncated_anywhere_is_refused(kind: str) -> None:
    data = real(kind)
    read(data)
    for end in {0, 1, 2, 9, 12, 20, 40, *range(60, len(data), 97), len(data) - 1}:
        with pytest.raises(UnreadablePicture):
            read(data[:end])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_with_any_changed_byte_is_read_or_refused(kind: str) -> None:
    data = real(kind)
    for place in range(min(400, len(data))):
        for value in (0, 0x7F, 0xFF):
            changed = bytearray(data)
            changed[place] = value
            try:
                read(bytes(changed))
            except UnreadablePicture:
                continue


@pytest.mark.parametrize(
    "width, height, good",
    [(16_384, 16_384, True), (16_385, 16_384, False), (100_000, 100_000, False), (0, 8, False)],
)
def test_too_many_pixels_are_refused(width: int, height: int, good: bool) -> None:
    pictures = [png(width=width, height=height)]
    if width:
        pictures.append(webp(width=width, height=height))
    if width < 2**16:
        pictures.append(jpeg(width=width, height=height))
    for data in pictures:
        if good:
            assert read(data) == PictureParameters()
        else:
            with pytest.raises(UnreadablePicture, match=f"{width} × {height} pixels"):
                read(data)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
@pytest.mark.parametrize("length, good", [(PACKED, True), (PACKED + 1, False)])
def test_text_up_to_the_limit_is_read(kind: bytes, length: int, good: bool) -> None:
    data = png(packed(kind, b"a" * length))
    if good:
        assert len(read(data).text) == PACKED
    else:
        with pytest.raises(UnreadablePicture, match="bytes of text"):
            read(data)


def test_text_counts_in_every_part_and_encoding() -> None:
    half = packed(b"zTXt", b"a" * (PACKED // 2))
    plain = chunk(b"tEXt", b"Title\0" + b"a" * (PACKED // 2))
    read(png(half, plain))
    with pytest.raises(UnreadablePicture, match="bytes of text"):
        read(png(half, plain, chunk(b"tEXt", b"x\0y")))


def test_a_comment_up_to_the_limit_is_read() -> None:
    data = exif(LATIN + b"a" * (PACKED - 52))
    assert len(data) == PACKED
    assert len(read(webp((b"EXIF", data))).text) == PACKED - 52
    with pytest.raises(UnreadablePicture, match="bytes of text"):
        read(webp((b"EXIF", data + b"a")))


@pytest.mark.parametrize(
    "data",
    [
        png(chunk(b"zTXt", b"parameters\0\0no zlib")),
        png(packed(b"zTXt", b"text")[:-1] + b"?"),
        png(chunk(b"zTXt", b"parameters\0\0" + packed(b"zTXt", b"a" * 999)[20:-8])),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"abc") + chunk(b"IEND"),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**32 - 1) + b"tEXt" + bytes(9),
        b"\xff\xd8" + b"\xff\xe1\0\1" + bytes(9),
        b"\xff\xd8\0\0" + bytes(9),
    ],
    ids=range(7),
)
def test_a_damaged_picture_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match=r"damaged|cut off"):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        png(packed(b"zTXt", b"a" * 100_000_000)),
        png(packed(b"iTXt", b"a" * 100_000_000)),
        png(*[packed(b"zTXt", b"a" * 1_000_000)] * 100),
        png(*[chunk(b"prVt")] * 500_000),
        png(*[chunk(b"tEXt", b"a\0")] * 400_000),
        b"\xff\xd8" + b"\xff" * 6_000_000,
        b"\xff\xd8" + segment(APP1, b"Exif\0\0") * 600_000,
        b"\xff\xd8" + segment(APP1, b"Exif\0\0" + bytes(65_000)) * 90 + b"\xff\xd9",
        webp(*[(b"ABCD", b"")] * 700_000),
        webp((b"EXIF", b"MM\0*\0\0\0\x08\xff\xff" + bytes(900_000))),
    ],
    ids=range(10),
)
def test_malicious_pictures_cost_little(data: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    try:
        found = read(data)
    except UnreadablePicture:
        found = PictureParameters()
    seconds = time.process_time() - started
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == PictureParameters()
    assert seconds < 1
    assert most < 16_000_000
