"""The formats of picture files."""

from enum import StrEnum

__all__ = ["DEFAULT_QUALITY", "OutputFormat"]

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
