"""Masks: what is drawn again, how it fades out, and what lies below it at the start.

A mask is a picture of the mode `L`: 255 is drawn again, 0 stays.
"""

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageStat

__all__ = ["Box", "box_of", "cells_of", "cleaned", "filled", "is_binary", "opacity_of", "whole"]

_NOISE_OF_JPEG = 8
"""Levels below this one are black, and those as near to white are white. A mask that was saved as a
JPEG is nowhere quite black."""
_CELL = 8
"""Pixels on each side of a latent."""
_BINARY = 128
_REACH = 3
"""How far Pillow's Gaussian filter reaches, in standard deviations. It is three box filters."""
_FILL_RADII = (256, 128, 64, 32, 16, 8, 4, 2, 0)
_GREY = 127

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels. The last two are outside."""


def whole(image: Image.Image) -> Image.Image:
    """Return a mask of a whole picture."""
    return Image.new("L", image.size, 255)


def cleaned(mask: Image.Image) -> Image.Image:
    """Return the mask with levels near black and white set to black and white."""
    white = 255 - _NOISE_OF_JPEG
    return mask.point(
        [0 if each < _NOISE_OF_JPEG else 255 if each > white else each for each in range(256)]
    )


def is_binary(mask: Image.Image) -> bool:
    """Whether the mask has no grey."""
    levels = mask.histogram()
    return levels[0] + levels[255] == mask.width * mask.height


def opacity_of(mask: Image.Image, blur: float) -> Image.Image:
    """Return how much of the drawn picture shows at each pixel: 0 to 255.

    It shows as the mask says, and fades out outside of it: at the distance d from a straight edge
    by twice the Gaussian tail beyond d / `blur`, so that the fading begins at the level of the
    mask. AUTOMATIC1111's web UI doubles the blurred mask too.

    Args:
        mask: The mask.
        blur: The standard deviation in pixels.
    """
    if not blur:
        return mask
    blurred = mask.filter(ImageFilter.GaussianBlur(blur))
    doubled = blurred.point([min(255, 2 * each) for each in range(256)])
    if not is_binary(mask):  # a grey area fades out from its own level
        doubled = ImageChops.darker(doubled, _spread(mask, round(_REACH * blur)))
    return ImageChops.lighter(mask, doubled)


def _spread(mask: Image.Image, reach: int) -> Image.Image:
    """Return the largest level within `reach` pixels, across and down."""
    levels = np.asarray(mask)
    for axis in (0, 1):
        done = 0
        while done < reach:
            step = min(done + 1, reach - done)  # the window doubles
            before, after = _shifted(levels, step, axis), _shifted(levels, -step, axis)
            levels = np.maximum(levels, np.maximum(before, after))
            done += step
    return Image.fromarray(levels, "L")


def _shifted(levels: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Return the levels `step` pixels further, with 0 beyond the edge."""
    found = np.zeros_like(levels)
    to, source = [slice(None)] * 2, [slice(None)] * 2
    to[axis] = slice(step, None) if step > 0 else slice(None, step)
    source[axis] = slice(None, -step) if step > 0 else slice(-step, None)
    found[tuple(to)] = levels[tuple(source)]
    return found


def cells_of(mask: Image.Image, *, as_diffusers: bool) -> np.ndarray:
    """Return which latents are drawn again: (height / 8, width / 8), boolean.

    Args:
        mask: Its sides are multiples of 8.
        as_diffusers: Whether the pixel in the corner of a latent decides. Otherwise any pixel that
            is not black does. Details of less than 8 pixels miss the corners. If most of the mask
            would be lost that way, every pixel decides too.
    """
    levels = np.asarray(mask)
    height, width = levels.shape[0] // _CELL, levels.shape[1] // _CELL
    blocks = levels.reshape(height, _CELL, width, _CELL)
    touched = np.asarray(blocks.max(axis=(1, 3)) > 0)
    if as_diffusers:
        corners = np.asarray(blocks[:, 0, :, 0] >= _BINARY)
        if corners.mean() >= (levels >= _BINARY).mean() / 2:
            return corners
    return touched


def box_of(opacity: Image.Image, padding: int, width: int, height: int) -> Box:
    """Return the box round what shows, with `padding`, in the proportions of `width` × `height`.

    The box stays inside of the picture. Nothing shows: the whole picture.
    """
    found = opacity.getbbox()
    sides = opacity.size
    if found is None:
        return (0, 0, *sides)
    low = [max(0, found[axis] - padding) for axis in (0, 1)]
    high = [min(sides[axis], found[axis + 2] + padding) for axis in (0, 1)]
    across, down = high[0] - low[0], high[1] - low[1]
    wanted = (
        max(across, round(down * width / height)),
        max(down, round(across * height / width)),
    )
    for axis in (0, 1):
        size = min(wanted[axis], sides[axis])
        start = low[axis] - (size - (high[axis] - low[axis])) // 2
        low[axis] = min(max(0, start), sides[axis] - size)
        high[axis] = low[axis] + size
    return (low[0], low[1], high[0], high[1])


def filled(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Return the picture with the mask filled with the colours round it.

    Near the edge of the mask they are those of the nearest pixels, and further inside those of an
    ever larger neighbourhood: `MaskContent.FILL`. AUTOMATIC1111's web UI fills with blurred copies
    of the picture as well.
    """
    kept = ImageChops.invert(mask)
    seen = image.convert("RGBA")
    seen.putalpha(kept)
    seen = seen.convert("RGBa")  # colours times opacity, which may be blurred
    mean = tuple(map(round, ImageStat.Stat(image, kept).mean)) if kept.getbbox() else (_GREY,) * 3
    made = Image.new("RGBA", image.size, (*mean, 255))
    for radius in _FILL_RADII:
        blurred = seen.filter(ImageFilter.GaussianBlur(radius)) if radius else seen
        made.alpha_composite(blurred.convert("RGBA"))
    return made.convert("RGB")
