"""Requests to enlarge pictures, after their fields are checked."""

import dataclasses
from dataclasses import dataclass

from domain.sizes import Size

__all__ = ["AskedExtras", "ToSize"]


@dataclass(frozen=True, slots=True)
class ToSize:
    """The size to reach. Both sides of the result are at least as long.

    Attributes:
        size: The size in pixels.
        is_cropped: Whether the result is cropped about its centre to exactly this size.
    """

    size: Size
    is_cropped: bool


@dataclass(frozen=True, slots=True)
class AskedExtras:
    """A request to enlarge pictures.

    Attributes:
        images: The files.
        field: The name of the field that holds them.
        upscaler: The name of an upscaler.
        to: The factor of both sides, or the size to reach.
    """

    images: tuple[bytes, ...] = dataclasses.field(repr=False)
    field: str
    upscaler: str
    to: float | ToSize
