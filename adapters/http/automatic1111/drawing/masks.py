"""Masks as AUTOMATIC1111's API reads them.

Source of the rules: the web UI 1.10, `create_binary_mask` in `modules/processing.py`.
"""

from adapters.http.automatic1111.drawing.asked import AskedMask
from application.pictures import Pictures
from domain.errors import FieldProblem, InvalidRequest, UnreadablePicture
from domain.generation.raster import GreyRaster
from domain.ports.picture_codec import PictureCodec

__all__ = ["MaskReader"]

_INVERTED = bytes(255 - level for level in range(256))
# A pixel is drawn again if its opacity is more than 128 of 255.
_OPAQUE = bytes(255 if 255 - transparency > 128 else 0 for transparency in range(256))


class MaskReader:
    """Makes the mask file of a request from the mask that a client sent.

    Args:
        codec: Reads and writes pictures.
        pictures: Knows how large a file may be.
    """

    def __init__(self, codec: PictureCodec, pictures: Pictures) -> None:
        self._codec = codec
        self._pictures = pictures

    def __call__(self, mask: AskedMask) -> bytes:
        """Return a picture file in which white is drawn again.

        In a mask with transparency, the opaque part is drawn again, whatever its colour. This
        service's own rule is the contrary. The file of another mask does not change, unless it is
        inverted.

        Raises:
            InvalidRequest: The mask is not a picture.
            PictureFileTooLarge: Its file has too many bytes.
        """
        try:
            self._pictures.inspect(mask.data)
            transparent = self._codec.transparency_mask(mask.data)
            if transparent is None and not mask.is_inverted:
                return mask.data
            grey = self._codec.decode_mask(transparent or mask.data)
        except UnreadablePicture as error:
            raise InvalidRequest([FieldProblem("mask_image", error.what)]) from error
        pixels = bytes(grey.pixels)
        if transparent is not None:
            pixels = pixels.translate(_OPAQUE)
        if mask.is_inverted:
            pixels = pixels.translate(_INVERTED)
        return self._codec.encode_mask(GreyRaster(grey.width, grey.height, pixels))
