"""Pictures that are made to take memory or time are decoded within a bound, or refused."""

import contextlib
import io
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from adapters.pictures.codec import PillowPictureCodec
from domain.errors import UnreadablePicture
from domain.pictures import MOST_PIXELS_SENT
from tests.unit.pictures.hostile_pictures import chunk, packed, png, segment, webp

CODEC = PillowPictureCodec()
MEBIBYTE = 2**20
BYTES_A_PIXEL = 20
"""The bound of memory for one picture, beside twice its file."""
SLACK = 48 * MEBIBYTE
SECONDS = 30


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def claims(width: int, height: int) -> list[bytes]:
    """Return a file of each format that claims these sides."""
    jpeg = file_of(Image.new("RGB", (8, 8)), "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    sides = struct.pack(">HH", height & 65535, width & 65535)
    still = file_of(Image.new("RGB", (8, 8)), "WEBP")
    vp8 = still.index(b"\x9d\x01\x2a") + 3
    return [
        png(width=width, height=height),
        jpeg[:frame] + sides + jpeg[frame + 4 :],
        webp(width=width, height=height),
        still[:vp8] + struct.pack("<HH", width & 16383, height & 16383) + still[vp8 + 4 :],
    ]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("method", ["inspect", "decode", "decode_mask", "transparency_mask"])
def test_a_file_that_claims_too_many_pixels_is_refused(method: str, number: int) -> None:
    data = claims(16000, 16000)[number]
    with pytest.raises(UnreadablePicture, match="16000 × 16000 pixels"):
        getattr(CODEC, method)(data)


def test_a_png_of_60000_x_60000_is_refused() -> None:
    with pytest.raises(UnreadablePicture, match="60000 × 60000"):
        CODEC.inspect(png(width=60000, height=60000))


def test_the_limit_of_pixels() -> None:
    side = 4096
    assert side * side == MOST_PIXELS_SENT
    assert CODEC.inspect(file_of(Image.new("L", (side, side)), "PNG")).pixels == MOST_PIXELS_SENT
    with pytest.raises(UnreadablePicture, match=f"1 to {MOST_PIXELS_SENT}"):
        CODEC.inspect(file_of(Image.new("L", (side + 1, side)), "PNG"))


def test_a_picture_without_pixels_is_refused() -> None:
    for data in (png(width=0), png(height=0)):
        with pytest.raises(UnreadablePicture):
            CODEC.inspect(data)


def long_text() -> bytes:
    return packed(b"zTXt", bytes(100 * MEBIBYTE))


def with_chunk(made: bytes) -> bytes:
    data = file_of(Image.new("RGB", (64, 64), "red"), "PNG")
    return data[:33] + made + data[33:]


@pytest.mark.parametrize(
    "made", [long_text(), chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(100 * MEBIBYTE)))]
)
def test_what_unpacks_to_100_megabytes_is_left_packed(made: bytes) -> None:
    assert CODEC.decode(with_chunk(made)).width == 64


def test_a_long_plain_text_does_no_harm() -> None:
    data = with_chunk(chunk(b"tEXt", b"workflow\0" + b"x" * (8 * MEBIBYTE)))
    assert CODEC.inspect(data).width == 64


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    data = file_of(Image.new("RGB", (64, 64), "red"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    assert CODEC.inspect(data[:-2] + scan * 2 + b"\xff\xd9").width == 64
    with pytest.raises(UnreadablePicture, match="64 scans"):
        CODEC.inspect(data[:-2] + scan * 100 + b"\xff\xd9")


def test_a_jpeg_with_two_frames_is_refused() -> None:
    data = file_of(Image.new("RGB", (64, 64), "red"), "JPEG")
    place = data.index(b"\xff\xc0")
    second = segment(0xC0, struct.pack(">BHHB", 8, 65535, 65535, 3) + bytes(9))
    with pytest.raises(UnreadablePicture, match="two frames"):
        CODEC.inspect(data[:place] + second + data[place:])


def test_a_webp_whose_canvas_is_not_its_picture_is_refused() -> None:
    still = file_of(Image.new("RGB", (64, 64), "red"), "WEBP")
    place = still.index(b"VP8 ")
    with pytest.raises(UnreadablePicture):
        CODEC.inspect(webp((b"VP8 ", still[place + 8 :]), width=8, height=8))


def test_an_animation_of_10000_frames_costs_one() -> None:
    frame = Image.new("RGB", (32, 32), "red")
    frames = [Image.new("RGB", (32, 32), (each % 256, each // 256, 0)) for each in range(9999)]
    data = file_of(frame, "PNG", save_all=True, append_images=frames)
    try:
        assert CODEC.decode(data).width == 32
    except UnreadablePicture as error:
        assert "parts" in str(error)  # three parts a frame are more than a file may have


def test_damaged_files_of_every_kind_are_refused_or_decoded() -> None:
    """A file with any one byte changed is decoded, or is an unreadable picture; nothing else."""
    picture = Image.linear_gradient("L").resize((24, 24)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "WEBP"):
        data = bytearray(file_of(picture, kind, exif=exif))
        for place in range(len(data)):
            kept = data[place]
            for value in (0, 255, kept ^ 1):
                data[place] = value
                for method in (CODEC.inspect, CODEC.decode_mask):
                    with contextlib.suppress(UnreadablePicture):
                        method(bytes(data))
            data[place] = kept


_CHILD = """
import resource, sys
from pathlib import Path
from adapters.pictures.codec import PillowPictureCodec
codec = PillowPictureCodec()
codec.decode(Path(sys.argv[1]).read_bytes())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
getattr(codec, sys.argv[3])(Path(sys.argv[2]).read_bytes())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def noise(mode: str) -> Image.Image:
    """Return a picture of the most pixels whose file is not small."""
    tile = Image.effect_noise((512, 512), 60)
    bands = len(Image.new(mode, (1, 1)).getbands())
    picture = Image.merge(mode, [tile] * bands) if bands > 1 else tile.convert(mode)
    large = Image.new(mode, (4096, 4096))
    for place in range(64):
        large.paste(picture, (place % 8 * 512, place // 8 * 512))
    return large


_LARGEST: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: file_of(noise("RGB"), "JPEG", quality=60),
    "progressive": lambda: file_of(noise("RGB"), "JPEG", quality=60, progressive=True),
    "cmyk": lambda: file_of(noise("CMYK"), "JPEG", quality=40, progressive=True),
    "png": lambda: file_of(Image.new("RGB", (4096, 4096), "red"), "PNG"),
    "rgba": lambda: file_of(Image.new("RGBA", (4096, 4096), (9, 9, 9, 9)), "PNG"),
    "webp": lambda: file_of(Image.new("RGBA", (4096, 4096), (9, 9, 9, 9)), "WEBP", method=0),
    "text": lambda: with_chunk(long_text()),
}


@pytest.mark.parametrize("method", ["inspect", "decode", "decode_mask", "transparency_mask"])
@pytest.mark.parametrize("name", _LARGEST)
def test_the_bound_of_memory(name: str, method: str, tmp_path: Path) -> None:
    data = _LARGEST[name]()
    (tmp_path / "large").write_bytes(data)
    (tmp_path / "small").write_bytes(file_of(Image.new("RGB", (8, 8)), "PNG"))
    files = [str(tmp_path / each) for each in ("small", "large")]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *files, method],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)),
    )
    bound = BYTES_A_PIXEL * MOST_PIXELS_SENT + 2 * len(data) + SLACK
    if name == "text":
        bound = 2 * len(data) + SLACK
    assert int(done.stdout) * 1024 <= bound
