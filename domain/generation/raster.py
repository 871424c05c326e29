"""The pixels of a picture before it is encoded, or after it is decoded."""

import dataclasses
import pickle
from dataclasses import dataclass
from typing import Any, ClassVar, Self, SupportsIndex

__all__ = ["GreyRaster", "Raster"]

_OUT_OF_BAND = 5
"""The first protocol of pickle that can leave buffers out of the stream (PEP 574)."""


@dataclass(frozen=True, slots=True)
class _Pixels:
    """`height` rows of `width` pixels, each of `CHANNELS` bytes.

    From protocol 5 on, pickle can transfer the pixels without a copy. A raster that is loaded that
    way keeps the buffer of the pickle, which may be a memoryview.
    """

    CHANNELS: ClassVar[int]

    width: int
    height: int
    pixels: bytes | memoryview = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        size = len(self.pixels)
        if min(self.width, self.height) < 1 or size != self.width * self.height * self.CHANNELS:
            raise ValueError(
                f"a raster of {self.width} × {self.height} pixels cannot have {size} bytes"
            )

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        pixels: Any = self.pixels
        if protocol.__index__() >= _OUT_OF_BAND:
            pixels = pickle.PickleBuffer(pixels)
        elif not isinstance(pixels, bytes):
            pixels = bytes(pixels)
        return _loaded, (type(self), self.width, self.height, pixels)

    def centre(self, width: int, height: int) -> Self:
        """Return the middle `width` × `height` pixels.

        If an odd number of rows or columns is removed, one more goes at the bottom or at the right.

        Raises:
            ValueError: The raster is smaller.
        """
        if (width, height) == (self.width, self.height):
            return self
        if width > self.width or height > self.height:
            raise ValueError(f"{self!r} has no middle of {width} × {height} pixels")
        left, top = (self.width - width) // 2, (self.height - height) // 2
        row, rows = self.width * self.CHANNELS, memoryview(self.pixels)
        begin, length = left * self.CHANNELS, width * self.CHANNELS
        kept = (
            rows[at * row + begin : at * row + begin + length] for at in range(top, top + height)
        )
        return type(self)(width, height, b"".join(kept))


@dataclass(frozen=True, slots=True)
class Raster(_Pixels):
    """`height` rows of `width` pixels, each of three bytes: red, green, blue in sRGB.

    Raises:
        ValueError: `pixels` does not have three bytes for each pixel.
    """

    CHANNELS = 3


@dataclass(frozen=True, slots=True)
class GreyRaster(_Pixels):
    """`height` rows of `width` pixels, each of one byte, such as a mask.

    Raises:
        ValueError: `pixels` does not have one byte for each pixel.
    """

    CHANNELS = 1


def _loaded(kind: type[_Pixels], width: int, height: int, pixels: Any) -> _Pixels:
    """Return the raster of a pickle, with its bytes or the buffer of another process."""
    return kind(width, height, pixels if isinstance(pixels, bytes) else memoryview(pixels))
