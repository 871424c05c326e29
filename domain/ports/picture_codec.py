"""Makes picture files, and reads them."""

from abc import ABC, abstractmethod

from domain.generation.output_formats import OutputFormat
from domain.generation.picture_parameters import PictureParameters
from domain.generation.raster import Raster

__all__ = ["PictureCodec"]


class PictureCodec(ABC):
    """Knows the files that pictures are kept in: PNG, JPEG and WebP. Any thread may call it."""

    @abstractmethod
    def encode(
        self,
        raster: Raster,
        text: str | None,
        output_format: OutputFormat = OutputFormat.PNG,
        quality: int | None = None,
    ) -> bytes:
        """`raster` as a file, with `text` where `parameters` finds it; None leaves it out.

        Equal arguments give equal bytes.

        Args:
            raster: The pixels.
            text: The parameters of the picture, in any script.
            output_format: The format of the file.
            quality: 1 to 100, of a format that has a quality. A WebP of 100 keeps every pixel.

        Raises:
            ValueError: the format needs a quality and there is none.
            OutOfMemory: the host has not enough memory.
            GenerationFailed: it failed for another reason.
        """

    @abstractmethod
    def parameters(self, data: bytes) -> PictureParameters:
        """The text in a picture file, whoever made it.

        The pixels are not decoded. So a file of any size costs little time, and no more memory than
        its own.

        Raises:
            UnreadablePicture: it is not such a file, its text is cut off or endless, or it claims
                more pixels than any honest picture has.
        """

    @abstractmethod
    def thumbnail(self, data: bytes) -> bytes:
        """A small WebP file of the whole picture in `data`, a file of this service.

        It keeps the proportions of the picture, and never has more pixels than the picture.

        Raises:
            UnreadablePicture: `data` is not a picture, or is cut off.
        """
