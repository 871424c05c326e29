"""Encodes and reads picture files."""

from abc import ABC, abstractmethod

from domain.generation.output_formats import OutputFormat
from domain.generation.parameters import PictureParameters
from domain.generation.raster import GreyRaster, Raster
from domain.pictures import PictureRef

__all__ = ["PictureCodec"]


class PictureCodec(ABC):
    """Encodes and reads PNG, JPEG and WebP files. Any thread may call it."""

    @abstractmethod
    def encode(
        self,
        raster: Raster,
        text: str | None,
        output_format: OutputFormat = OutputFormat.PNG,
        quality: int | None = None,
    ) -> bytes:
        """Return `raster` as a file that carries `text`, which `parameters` can read.

        Equal arguments give equal bytes.

        Args:
            raster: The pixels.
            text: The parameters of the picture, in any script. None leaves them out, and so does a
                text that is too long for the format: a JPEG has room for 32,000 characters.
            output_format: The format of the file.
            quality: 1 to 100, for a format with a quality. A WebP of quality 100 is lossless.

        Raises:
            ValueError: The format needs a quality, and `quality` is None.
            OutOfMemory: The host does not have enough memory.
            GenerationFailed: Encoding failed for another reason.
        """

    @abstractmethod
    def inspect(self, data: bytes) -> PictureRef:
        """Return the facts of a picture file that a stranger sent, after it was read as a whole.

        Its sides are those of `decode`. Memory and time are bounded, whatever the file claims.

        Raises:
            UnreadablePicture: `data` is not a PNG, JPEG or WebP file, is damaged or cut off, or has
                more than `MOST_PIXELS_SENT` pixels.
            OutOfMemory: The host does not have enough memory.
        """

    @abstractmethod
    def decode(self, data: bytes) -> Raster:
        """Return the pixels of a picture file in sRGB.

        Its Exif orientation is undone, transparent pixels lie on white, an ICC profile and 16 bits
        a channel are converted, and of an animation it is the first frame.

        Raises:
            UnreadablePicture, OutOfMemory: As `inspect`.
        """

    @abstractmethod
    def decode_mask(self, data: bytes) -> GreyRaster:
        """Return the mask in a picture file: 255 where a picture is drawn again, 0 where it stays.

        The level of a pixel is its luminance. Transparent pixels are drawn again.

        Raises:
            UnreadablePicture, OutOfMemory: As `inspect`.
        """

    @abstractmethod
    def transparency_mask(self, data: bytes) -> bytes | None:
        """Return a mask as a PNG file: 255 where this picture is transparent, 0 where it is opaque.

        None if no pixel is transparent. Its sides are those of `decode`. Equal files give equal
        bytes.

        Raises:
            UnreadablePicture, OutOfMemory: As `inspect`.
        """

    @abstractmethod
    def encode_mask(self, mask: GreyRaster) -> bytes:
        """Return a mask as a PNG file, from which `decode_mask` reads the same levels.

        Equal masks give equal bytes.

        Raises:
            OutOfMemory: The host does not have enough memory.
        """

    @abstractmethod
    def parameters(self, data: bytes) -> PictureParameters:
        """Return the text in a picture file of any program.

        The pixels are not decoded. So a file of any size costs little time, and no more memory than
        its size.

        Raises:
            UnreadablePicture: `data` is not such a file, its text is cut off or too long, or it
                claims more pixels than any real picture has.
        """

    @abstractmethod
    def thumbnail(self, data: bytes) -> bytes:
        """Return a small WebP file of the whole picture in `data`, a file of this service.

        It keeps the proportions of the picture, and never has more pixels than the picture.

        Raises:
            UnreadablePicture: `data` is not a picture, or is cut off.
        """
