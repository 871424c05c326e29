"""The formats of picture files."""

from enum import StrEnum

__all__ = ["DEFAULT_QUALITY", "OutputFormat", "side_problem"]

DEFAULT_QUALITY = 90
"""The default of the formats that have a quality."""


class OutputFormat(StrEnum):
    """A format of picture files."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """The format's name in a Content-Type."""
        return f"image/{self.value}"

    @property
    def has_quality(self) -> bool:
        """Whether the format trades size for quality. A PNG is always lossless."""
        return self is not OutputFormat.PNG

    @property
    def longest_side(self) -> int:
        """The most pixels on a side.

        Of a PNG: ISO/IEC 15948, 11.2.2. Of a JPEG: `JPEG_MAX_DIMENSION` of libjpeg. Of a WebP:
        RFC 9649, section 2.5.
        """
        return _LONGEST_SIDES[self]


_LONGEST_SIDES = {
    OutputFormat.PNG: 2**31 - 1,
    OutputFormat.JPEG: 65_500,
    OutputFormat.WEBP: 16_383,
}


def side_problem(width: int, height: int, output_format: OutputFormat) -> str | None:
    """Return what is wrong with a picture of this size and format; None if there can be one."""
    most = output_format.longest_side
    if max(width, height) <= most:
        return None
    return f"{width} x {height} pixels, and a {output_format} has at most {most} on a side"
