"""Gives a picture the size that is drawn."""

import numpy as np
from PIL import Image, ImageOps

from domain.generation.parts import ResizeMode
from domain.generation.raster import GreyRaster, Raster
from domain.pictures import PictureRef

__all__ = ["as_image", "as_raster", "fit_alike", "padded", "resized"]

_LANCZOS = Image.Resampling.LANCZOS


def as_image(raster: Raster | GreyRaster) -> Image.Image:
    """Return the pixels as a picture of Pillow, with the mode `RGB` or `L`."""
    mode = "RGB" if isinstance(raster, Raster) else "L"
    size = (raster.width, raster.height)
    return Image.frombuffer(mode, size, raster.pixels, "raw", mode, 0, 1)


def as_raster(image: Image.Image) -> Raster:
    """Return the pixels of a picture with the mode `RGB`."""
    return Raster(image.width, image.height, image.tobytes())


def resized(image: Image.Image, width: int, height: int, mode: ResizeMode) -> Image.Image:
    """Return a picture of `width` × `height` pixels, with Lanczos' filter.

    A picture of this size is returned unchanged. `stretch` changes the proportions; `crop` fills
    the size and cuts off what sticks out on two sides; `pad` fits the whole picture in, and repeats
    the pixels of its edge on two sides, as «resize and fill» of AUTOMATIC1111's web UI does.
    """
    size = (width, height)
    if image.size == size:
        return image
    match mode:
        case ResizeMode.STRETCH:
            return image.resize(size, _LANCZOS)
        case ResizeMode.CROP:
            return ImageOps.fit(image, size, _LANCZOS)
        case ResizeMode.PAD:
            factor = min(width / image.width, height / image.height)
            inner = (max(1, round(side * factor)) for side in image.size)
            smaller = min(width, next(inner)), min(height, next(inner))
            return padded(image.resize(smaller, _LANCZOS), width, height)


def fit_alike(one: PictureRef, other: PictureRef, mode: ResizeMode) -> bool:
    """Return whether the same part of both pictures is seen after `resized`.

    Sides are whole pixels, so proportions may differ by half a pixel.
    """
    off = abs(one.width * other.height - one.height * other.width)
    longest = max(one.width, one.height, other.width, other.height)
    return mode is ResizeMode.STRETCH or 2 * off <= longest


def padded(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return the picture in the middle of a larger one, with the pixels of its edge repeated.

    `Raster.centre` is the inverse.
    """
    if image.size == (width, height):
        return image
    across, down = width - image.width, height - image.height
    sides = [(down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0)]
    pixels = np.asarray(image)
    return Image.fromarray(np.pad(pixels, sides[: pixels.ndim], mode="edge"), image.mode)
