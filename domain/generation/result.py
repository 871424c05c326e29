"""Finished pictures and their timings."""

import dataclasses
import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from domain.generation.output_formats import OutputFormat

__all__ = ["GeneratedImage", "Outcome", "Timings"]


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """One finished picture: a file of `width` × `height` pixels, drawn from `seed`.

    The seed is None if the picture was only enlarged.
    """

    data: bytes = dataclasses.field(repr=False)
    seed: int | None
    width: int
    height: int
    output_format: OutputFormat = OutputFormat.PNG

    @property
    def id(self) -> str:
        """The SHA-256 of the file in hex, which names the picture."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def media_type(self) -> str:
        """The Content-Type of `data`."""
        return self.output_format.media_type

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file to `path`, which may have any extension. Raise OSError if that fails."""
        Path(path).write_bytes(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Where the time went, in seconds."""

    queue: float = 0.0
    load: float = 0.0
    generate: float = 0.0
    encode: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a request.

    Attributes:
        images: The pictures, in the order of their seeds.
        processing_time: The seconds of the work, without the wait in the queue.
        timings: Where the time went.
        warnings: What the caller should know of the pictures.
    """

    images: tuple[GeneratedImage, ...]
    processing_time: float
    timings: Timings
    warnings: tuple[str, ...] = ()
