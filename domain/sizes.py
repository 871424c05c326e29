"""The sizes of pictures."""

import math
from dataclasses import dataclass

from domain.errors import FieldProblem

__all__ = ["DEFAULT_MAX_PIXELS", "LARGEST_SIDE", "SMALLEST_SIDE", "Size", "SizeLimits"]

SMALLEST_SIDE = 256
LARGEST_SIDE = 2048
DEFAULT_MAX_PIXELS = 2_097_152
"""Two megapixels of 2^20: 2048 × 1024, and 1448 × 1448."""
_STEP = 8
"""Pixels on each side that a latent stands for. Drawn sizes are multiples of it."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """The sizes that a model draws.

    Attributes:
        min: The fewest pixels of the shorter side.
        max: The most pixels of the longer side.
        max_pixels: The largest width times height.
    """

    min: int
    max: int
    max_pixels: int

    def problems(self, width: int, height: int, *, of: str) -> list[FieldProblem]:
        """Return what is wrong with this size for the model named `of`; empty if it is valid."""
        rows = [
            FieldProblem(
                field, f"is {side}; {of} draws between {self.min} and {self.max} pixels a side"
            )
            for field, side in (("width", width), ("height", height))
            if not self.min <= side <= self.max
        ]
        if not rows and width * height > self.max_pixels:
            side = math.isqrt(self.max_pixels) // _STEP * _STEP
            rows = [
                FieldProblem(
                    "width",
                    f"is {width}, and {width} x {height} are {width * height} pixels; {of} draws "
                    f"at most {self.max_pixels}, as {side} x {side} or fewer",
                )
            ]
        return rows

    def fitted(self, size: Size) -> Size:
        """Return the nearest size to `size` within the bounds, with about the same proportions.

        A size within the bounds is returned unchanged. Otherwise both sides become multiples of 8.
        """
        if not self.problems(size.width, size.height, of=""):
            return size
        factor = min(1.0, self.max / max(size.width, size.height))
        factor = min(factor, math.sqrt(self.max_pixels / size.pixels))
        width, height = (
            max(self.min, int(side * factor) // _STEP * _STEP) for side in (size.width, size.height)
        )
        return Size(min(width, self.max), min(height, self.max))

    def of_picture(
        self, picture: Size, *, width: int | None = None, height: int | None = None
    ) -> Size:
        """Return the size in which a picture is drawn again, for a request that leaves a side out.

        A given side is kept. A side that is left out is a multiple of 8 within the bounds, and
        follows the proportions of the picture as nearly as the bounds allow. Without both sides the
        size is that of the picture, scaled by one factor if it is out of bounds.
        """
        if width is not None:
            side = self._side(width * picture.height / picture.width, beside=width)
            return Size(width, side if height is None else height)
        if height is not None:
            return Size(self._side(height * picture.width / picture.height, beside=height), height)
        factor = max(1.0, self.min / min(picture.width, picture.height))
        factor = min(factor, self.max / max(picture.width, picture.height))
        factor = min(factor, math.sqrt(self.max_pixels / picture.pixels))
        # The shorter side comes first: only it can be raised to the smallest side, so the longer
        # side gives the pixels back.
        if picture.width < picture.height:
            short = self._side(picture.width * factor)
            return Size(short, self._side(picture.height * factor, beside=short))
        short = self._side(picture.height * factor)
        return Size(self._side(picture.width * factor, beside=short), short)

    def _side(self, pixels: float, *, beside: int = 1) -> int:
        """Return the nearest multiple of 8 within the bounds, for a picture with another side."""
        most = min(self.max, self.max_pixels // beside) // _STEP * _STEP
        nearest = math.floor(pixels / _STEP + 0.5) * _STEP
        return max(-(-self.min // _STEP) * _STEP, min(nearest, most))
