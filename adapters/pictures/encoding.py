"""Encodes pixels as picture files, with Pillow."""

import io
import logging

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from adapters.pictures.exif import exif_with_comment
from domain.generation.output_formats import OutputFormat
from domain.generation.raster import GreyRaster

__all__ = ["encode_mask", "encode_picture"]

# zlib's fastest level. A slower level takes half a second longer and saves a tenth of the bytes.
_COMPRESS_LEVEL = 1
_BEST = 100
_FULL_COLOUR_FROM = 90
"""From this JPEG quality on, no colour is subsampled, as in ImageMagick."""
_FOUR_PIXELS, _EACH_PIXEL = "4:2:0", "4:4:4"
_MOST_EXIF = 65_533
"""Bytes of a segment of a JPEG (ISO/IEC 10918-1, B.1.1.4), which must hold all of the Exif."""
_LOSSLESS_EFFORT = 25
"""WebP's effort to save bytes. 100 takes three times as long and saves one byte in 200."""

_log = logging.getLogger(__name__)


def encode_picture(
    image: Image.Image,
    parameters: str | None,
    output_format: OutputFormat = OutputFormat.PNG,
    quality: int | None = None,
) -> bytes:
    """Return `image` as a file that carries `parameters` where other tools look for them.

    A PNG carries them in its text `parameters`. A JPEG or WebP carries them in its Exif
    UserComment, as in AUTOMATIC1111's web UI (`modules/images.py`, `save_image_with_geninfo`). A
    JPEG has room for about 32,000 characters. Longer parameters are left out, because nobody would
    rather have them than the picture.

    Args:
        image: RGB.
        parameters: None leaves them out.
        output_format: The format of the file.
        quality: 1 to 100, for a JPEG or WebP. A WebP of quality 100 is lossless.

    Raises:
        ValueError: The format is JPEG or WebP, and `quality` is None.
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
    exif = b"" if parameters is None else exif_with_comment(parameters)
    if output_format is OutputFormat.JPEG and len(exif) > _MOST_EXIF:
        _log.warning("the parameters of a picture are left out: %d bytes fit no JPEG", len(exif))
        exif = b""
    if output_format is OutputFormat.WEBP and quality == _BEST:
        image.save(stream, "WEBP", lossless=True, quality=_LOSSLESS_EFFORT, exif=exif)
    elif output_format is OutputFormat.WEBP:
        image.save(stream, "WEBP", quality=quality, exif=exif)
    else:
        colour = _EACH_PIXEL if quality >= _FULL_COLOUR_FROM else _FOUR_PIXELS
        image.save(stream, "JPEG", quality=quality, subsampling=colour, exif=exif)
    return stream.getvalue()


def encode_mask(mask: GreyRaster) -> bytes:
    """Return a mask as a grey PNG file, which keeps every level."""
    stream = io.BytesIO()
    image = Image.frombytes("L", (mask.width, mask.height), mask.pixels)
    image.save(stream, "PNG", compress_level=_COMPRESS_LEVEL)
    return stream.getvalue()
