"""Decodes picture files of strangers within a bound of memory, with Pillow."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image, ImageChops, ImageCms

from adapters.pictures.stripped import StrippedPicture, stripped
from domain.errors import OutOfMemory, UnreadablePicture
from domain.generation.raster import GreyRaster, Raster
from domain.pictures import MOST_PIXELS_SENT, PictureRef

__all__ = ["decode_mask", "decode_picture", "inspect_picture", "transparency_mask"]

_AT_ONCE = 4
"""The most pictures that the threads of callers decode at once. A picture of the largest size takes
up to 300 MB."""
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_LEAST_SCALE = 8
"""A JPEG can be decoded at an eighth of its size. This reads all of the file, in a fraction of the
time and the memory."""
_WHITE = (255, 255, 255)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How an Exif orientation is undone (TIFF 6.0, section 8)."""
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The colour space of an ICC profile, and the mode of the pictures that it describes."""
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

_places = threading.BoundedSemaphore(_AT_ONCE)


def inspect_picture(data: bytes) -> PictureRef:
    """Return the facts of a picture file, as `PictureCodec.inspect` does."""
    with _places:
        picture = _checked(data)
        with _opened(picture) as image:
            if picture.media_type == "image/jpeg":
                least = [max(1, side // _LEAST_SCALE) for side in image.size]
                image.draft(None, (least[0], least[1]))
            image.load()
    sides = picture.width, picture.height
    width, height = sides if picture.orientation < 5 else reversed(sides)
    return PictureRef(
        id=hashlib.sha256(data).hexdigest(),
        media_type=picture.media_type,
        size=len(data),
        width=width,
        height=height,
    )


def decode_picture(data: bytes) -> Raster:
    """Return the pixels of a picture file, as `PictureCodec.decode` does."""
    image = _decoded(data, _on_white)
    return Raster(image.width, image.height, image.tobytes())


def decode_mask(data: bytes) -> GreyRaster:
    """Return the mask in a picture file, as `PictureCodec.decode_mask` does."""
    image = _decoded(data, _as_mask)
    return GreyRaster(image.width, image.height, image.tobytes())


def transparency_mask(data: bytes) -> bytes | None:
    """Return a PNG mask of a picture, as `PictureCodec.transparency_mask` does."""
    with _places:
        mask = _decoded(data, _transparency)
        if mask.getextrema() == (0, 0):
            return None
        stream = io.BytesIO()
        mask.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _checked(data: bytes) -> StrippedPicture:
    picture = stripped(data)
    pixels = picture.width * picture.height
    if not 0 < pixels <= MOST_PIXELS_SENT:
        raise UnreadablePicture(
            f"has {picture.width} × {picture.height} pixels, which are {pixels}; it may have "
            f"1 to {MOST_PIXELS_SENT}"
        )
    return picture


def _decoded(
    data: bytes, convert: Callable[[StrippedPicture, Image.Image], Image.Image]
) -> Image.Image:
    """Return the picture that `convert` makes of the decoded one, in its orientation."""
    picture = _checked(data)
    with _opened(picture) as image:
        image.load()
        made = convert(picture, _in_8_bits(picture, image))
        turn = _TURNS.get(picture.orientation)
        return made if turn is None else made.transpose(turn)


@contextmanager
def _opened(picture: StrippedPicture) -> Iterator[Image.Image]:
    """Open a picture for the block. Any error of Pillow becomes UnreadablePicture."""
    try:
        name = _FORMATS[picture.media_type]
        with Image.open(io.BytesIO(picture.file), formats=(name,)) as image:
            if image.size != (picture.width, picture.height):
                raise UnreadablePicture("is damaged: it has two sizes")
            yield image
    except UnreadablePicture:
        raise
    except MemoryError as error:
        raise OutOfMemory("decoding a picture", "the host") from error
    except Exception as error:  # Pillow raises what its readers happen to raise
        raise UnreadablePicture("is damaged, so it cannot be decoded") from error


def _in_8_bits(picture: StrippedPicture, image: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a channel. An `L` or `RGB` picture may get an alpha channel."""
    transparent = picture.transparent
    if image.mode.startswith("I"):
        pixels = image.tobytes()
        low, high = (Image.frombytes("L", image.size, pixels[byte::2]) for byte in (0, 1))
        if not isinstance(transparent, int):
            return high
        seen = ImageChops.lighter(
            _differs(low, transparent & 255), _differs(high, transparent >> 8)
        )
        return Image.merge("LA", (high, seen))
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode == "1" or (image.mode == "L" and isinstance(transparent, int)):
        grey = image.convert("L")
        if not isinstance(transparent, int):
            return grey
        return Image.merge("LA", (grey, _differs(grey, transparent)))
    if image.mode == "RGB" and isinstance(transparent, tuple):
        # Pillow keeps the high byte of 16 bits.
        levels = [each >> 8 if picture.is_deep else each & 255 for each in transparent]
        red, green, blue = image.split()
        seen = ImageChops.lighter(_differs(red, levels[0]), _differs(green, levels[1]))
        seen = ImageChops.lighter(seen, _differs(blue, levels[2]))
        return Image.merge("RGBA", (red, green, blue, seen))
    return image


def _differs(band: Image.Image, level: int) -> Image.Image:
    """Return 255 where a band differs from a level, and else 0."""
    return band.point([255 if each != level else 0 for each in range(256)])


def _on_white(picture: StrippedPicture, image: Image.Image) -> Image.Image:
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if alpha is not None:
        image = image.convert(image.mode.removesuffix("A"))
    colours = _in_srgb(picture.profile, image)
    if alpha is None:
        return colours
    white = Image.new("RGB", colours.size, _WHITE)
    white.paste(colours, mask=alpha)
    return white


def _in_srgb(profile: bytes | None, image: Image.Image) -> Image.Image:
    """Return a picture in sRGB. A profile that is damaged or of another mode is ignored.

    Browsers do the same. A CMYK picture without a profile is converted as in Pillow.
    """
    if profile is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if _SPACES.get(source.profile.xcolor_space) == image.mode:
                converted = ImageCms.profileToProfile(
                    image, source, _SRGB, outputMode="RGB", inPlace=False
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


def _as_mask(_: StrippedPicture, image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image.convert("L")
    alpha = image.getchannel("A")
    grey = image.convert("RGB").convert("L") if image.mode == "RGBA" else image.getchannel("L")
    return Image.composite(grey, Image.new("L", grey.size, 255), alpha)


def _transparency(_: StrippedPicture, image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return Image.new("L", image.size, 0)
    return ImageChops.invert(image.getchannel("A"))
