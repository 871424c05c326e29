"""References to picture files that a caller sent or that the service drew, without their bytes."""

import re
from dataclasses import dataclass
from typing import ClassVar

from domain.errors import FieldProblem, InvalidRequest
from domain.limits import IntegerRange, Limit, OneOf, TextLength

__all__ = ["MOST_PIXELS_DRAWN", "MOST_PIXELS_SENT", "PictureId", "PictureRef"]

_MEGAPIXEL = 2**20
MOST_PIXELS_SENT = 16 * _MEGAPIXEL
"""The most pixels of a picture that a caller sends."""
MOST_PIXELS_DRAWN = 64 * _MEGAPIXEL
"""The most pixels of a picture that an upscaler makes."""
_ID = re.compile(r"[0-9a-f]{64}")


class PictureId(TextLength):
    """The SHA-256 of a picture file, in either case of hex."""

    __slots__ = ()

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if isinstance(value, str) and _ID.fullmatch(value.lower()):
            return None
        return "must be the SHA-256 of a picture file, 64 hexadecimal digits"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRef:
    """A picture file. Its name is the SHA-256 of its bytes, as with models.

    Two files with equal pixels are two pictures.

    Attributes:
        id: SHA-256 of the file, 64 hex digits; kept in lower case.
        media_type: The media type of the file.
        size: The size of the file in bytes.
        width: Pixels.
        height: Pixels.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    ID: ClassVar[Limit] = PictureId(64, 64)
    MEDIA_TYPE: ClassVar[Limit] = OneOf(("image/png", "image/jpeg", "image/webp"))
    # A picture of the service may be larger than one that a caller may send.
    SIZE: ClassVar[Limit] = IntegerRange(1, 2**53 - 1)
    SIDE: ClassVar[Limit] = IntegerRange(1, MOST_PIXELS_DRAWN)

    id: str
    media_type: str
    size: int
    width: int
    height: int

    def __post_init__(self) -> None:
        found = {
            "id": self.ID.problem(self.id),
            "media_type": self.MEDIA_TYPE.problem(self.media_type),
            "size": self.SIZE.problem(self.size),
            "width": self.SIDE.problem(self.width),
            "height": self.SIDE.problem(self.height),
        }
        if not found["width"] and not found["height"] and self.pixels > MOST_PIXELS_DRAWN:
            found["width"] = (
                f"is {self.width}, and {self.width} x {self.height} are {self.pixels} pixels; a "
                f"picture has at most {MOST_PIXELS_DRAWN}"
            )
        if problems := [FieldProblem(name, text) for name, text in found.items() if text]:
            raise InvalidRequest(problems)
        object.__setattr__(self, "id", self.id.lower())

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height
