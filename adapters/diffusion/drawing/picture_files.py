"""Pixels to files."""

import io
import struct
from collections.abc import Sequence
from concurrent.futures import Future
from typing import overload

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from domain.generation.output_formats import OutputFormat
from domain.generation.request import GeneratedImage

__all__ = ["Encoded", "crop_centre", "encode_picture"]

# zlib's fastest level: half a second of a slower one would save a tenth of the bytes.
_COMPRESS_LEVEL = 1
_BEST = 100
_FULL_COLOUR_FROM = 90
"""The JPEG quality from which each pixel has a colour of its own, as in ImageMagick."""
_FOUR_PIXELS, _EACH_PIXEL = "4:2:0", "4:4:4"
_LOSSLESS_EFFORT = 25
"""How hard WebP looks for fewer bytes; 100 takes three times as long to save one in 200."""
# Exif 2.32, 4.6.3 and 4.6.5: the pointer to the Exif tags, and one of them.
_EXIF_TAGS, _USER_COMMENT = 0x8769, 0x9286
_LONG, _UNDEFINED = 4, 7


class Encoded(Sequence[GeneratedImage]):
    """Pictures that are being encoded. Who takes one waits for it."""

    def __init__(self, pictures: Sequence["Future[GeneratedImage]"]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, index: int) -> GeneratedImage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[GeneratedImage]: ...
    def __getitem__(self, index: int | slice) -> GeneratedImage | Sequence[GeneratedImage]:
        if isinstance(index, slice):
            return [picture.result() for picture in self._pictures[index]]
        return self._pictures[index].result()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def crop_centre(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle `width` × `height` pixels; an odd pixel goes from the right and the bottom."""
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def encode_picture(
    image: Image.Image,
    parameters: str | None,
    output_format: OutputFormat = OutputFormat.PNG,
    quality: int | None = None,
) -> bytes:
    """`image` as a file, with `parameters` where the field's tools look for them.

    That is the text `parameters` of a PNG, and the Exif UserComment of a JPEG or WebP, as in
    AUTOMATIC1111's web UI (`modules/images.py`, `save_image_with_geninfo`).

    Args:
        image: RGB.
        parameters: None to leave them out.
        output_format: Of the file.
        quality: 1 to 100, of JPEG and WebP; a WebP of 100 has every pixel as it is.
    """
    stream = io.BytesIO()
    if output_format is OutputFormat.PNG:
        text = PngInfo()
        if parameters is not None:
            text.add_text("parameters", parameters)
        image.save(stream, "PNG", pnginfo=text, compress_level=_COMPRESS_LEVEL)
        return stream.getvalue()
    if quality is None:
        raise ValueError(f"a {output_format} needs a quality")
    exif = b"" if parameters is None else _exif(parameters)
    if output_format is OutputFormat.WEBP and quality == _BEST:
        image.save(stream, "WEBP", lossless=True, quality=_LOSSLESS_EFFORT, exif=exif)
    elif output_format is OutputFormat.WEBP:
        image.save(stream, "WEBP", quality=quality, exif=exif)
    else:
        colour = _EACH_PIXEL if quality >= _FULL_COLOUR_FROM else _FOUR_PIXELS
        image.save(stream, "JPEG", quality=quality, subsampling=colour, exif=exif)
    return stream.getvalue()


def _exif(comment: str) -> bytes:
    """Exif that holds a UserComment alone.

    Its text is UTF-16 behind the word UNICODE. In which order its bytes are the standard does not
    say: the highest first is what AUTOMATIC1111 reads and writes, and what the header says too.
    Pillow would call the comment a list of numbers, and that is not read as text there.
    """
    value = b"UNICODE\0" + comment.encode("utf-16-be")
    # TIFF 6.0, section 2: the header's 8 bytes, then directories of one tag, of 18 bytes each.
    first, second, data = 8, 26, 44
    return b"Exif\0\0" + b"".join(
        (
            struct.pack(">2sHI", b"MM", 42, first),
            struct.pack(">HHHIII", 1, _EXIF_TAGS, _LONG, 1, second, 0),
            struct.pack(">HHHIII", 1, _USER_COMMENT, _UNDEFINED, len(value), data, 0),
            value,
        )
    )
