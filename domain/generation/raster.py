"""The pixels of a picture before it is encoded."""

import dataclasses
import pickle
from dataclasses import dataclass
from typing import Any, SupportsIndex

__all__ = ["Raster"]

_CHANNELS = 3
_OUT_OF_BAND = 5
"""The first protocol of pickle that can leave buffers out of the stream (PEP 574)."""


@dataclass(frozen=True, slots=True)
class Raster:
    """`height` rows of `width` pixels, each of three bytes: red, green, blue.

    From protocol 5 on, pickle can transfer the pixels without a copy. A raster that is loaded that
    way keeps the buffer of the pickle, which may be a memoryview.

    Raises:
        ValueError: `pixels` does not have three bytes for each pixel.
    """

    width: int
    height: int
    pixels: bytes | memoryview = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        size = len(self.pixels)
        if min(self.width, self.height) < 1 or size != self.width * self.height * _CHANNELS:
            raise ValueError(
                f"a raster of {self.width} × {self.height} pixels cannot have {size} bytes"
            )

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        pixels: Any = self.pixels
        if protocol.__index__() >= _OUT_OF_BAND:
            pixels = pickle.PickleBuffer(pixels)
        elif not isinstance(pixels, bytes):
            pixels = bytes(pixels)
        return _loaded, (self.width, self.height, pixels)

    def centre(self, width: int, height: int) -> "Raster":
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
        row, rows = self.width * _CHANNELS, memoryview(self.pixels)
        begin, length = left * _CHANNELS, width * _CHANNELS
        kept = (
            rows[at * row + begin : at * row + begin + length] for at in range(top, top + height)
        )
        return Raster(width, height, b"".join(kept))


def _loaded(width: int, height: int, pixels: Any) -> Raster:
    """Return the raster of a pickle, with its bytes or the buffer of another process."""
    return Raster(width, height, pixels if isinstance(pixels, bytes) else memoryview(pixels))
