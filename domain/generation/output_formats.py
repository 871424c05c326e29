"""The formats that a picture can be had in."""

from enum import StrEnum

__all__ = ["DEFAULT_QUALITY", "OutputFormat"]

DEFAULT_QUALITY = 90
"""Of the formats that have one, where a request names none."""


class OutputFormat(StrEnum):
    """A format of picture files."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """Its name in a Content-Type."""
        return f"image/{self.value}"

    @property
    def has_quality(self) -> bool:
        """Whether bytes can be had for fidelity; a PNG always has every pixel as it was drawn."""
        return self is not OutputFormat.PNG
