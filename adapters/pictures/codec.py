"""The picture codec that uses Pillow."""

import threading

from PIL import Image

from adapters.pictures.decoding import (
    decode_mask,
    decode_picture,
    inspect_picture,
    transparency_mask,
)
from adapters.pictures.encoding import encode_mask, encode_picture
from adapters.pictures.parameters import read_parameters
from adapters.pictures.thumbnails import make_thumbnail
from domain.errors import GenerationFailed, OutOfMemory
from domain.generation.output_formats import OutputFormat
from domain.generation.parameters import PictureParameters
from domain.generation.raster import GreyRaster, Raster
from domain.pictures import PictureRef
from domain.ports.picture_codec import PictureCodec

__all__ = ["PillowPictureCodec"]


class PillowPictureCodec(PictureCodec):
    """Encodes and decodes pictures with Pillow. It reads parameters without Pillow."""

    def encode(
        self,
        raster: Raster,
        text: str | None,
        output_format: OutputFormat = OutputFormat.PNG,
        quality: int | None = None,
    ) -> bytes:
        if output_format.has_quality and quality is None:
            raise ValueError(f"a {output_format} needs a quality")
        try:
            image = Image.frombytes("RGB", (raster.width, raster.height), raster.pixels)
            return encode_picture(image, text, output_format, quality)
        except MemoryError as error:
            raise OutOfMemory("encoding the picture", "the host") from error
        except BaseException as error:
            # Python raises KeyboardInterrupt and SystemExit of signals in the main thread alone.
            is_main = threading.current_thread() is threading.main_thread()
            if is_main and isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            reason = str(error) or type(error).__name__
            raise GenerationFailed(f"encoding the picture failed: {reason}") from error

    def inspect(self, data: bytes) -> PictureRef:
        return inspect_picture(data)

    def decode(self, data: bytes) -> Raster:
        return decode_picture(data)

    def decode_mask(self, data: bytes) -> GreyRaster:
        return decode_mask(data)

    def transparency_mask(self, data: bytes) -> bytes | None:
        return transparency_mask(data)

    def encode_mask(self, mask: GreyRaster) -> bytes:
        try:
            return encode_mask(mask)
        except MemoryError as error:
            raise OutOfMemory("encoding a mask", "the host") from error

    def parameters(self, data: bytes) -> PictureParameters:
        return read_parameters(data)

    def thumbnail(self, data: bytes) -> bytes:
        return make_thumbnail(data)
