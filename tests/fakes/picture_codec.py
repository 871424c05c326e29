"""A codec whose files show their pixels and say only what they were told."""

import hashlib
import io

from PIL import Image, ImageChops

from domain.errors import UnreadablePicture
from domain.generation.output_formats import OutputFormat
from domain.generation.parameters import PictureParameters
from domain.generation.raster import GreyRaster, Raster
from domain.pictures import MOST_PIXELS_SENT, PictureRef
from domain.ports.picture_codec import PictureCodec

__all__ = ["FakePictureCodec"]

_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class FakePictureCodec(PictureCodec):
    """Files without texts of their own, and small pictures that are labels of the large ones.

    Attributes:
        known: The parameters of each file that can be read.
        texts: The text that was asked for with each file, in order.
        broken: Whether no thumbnail can be made.
        failures: Raised by `encode`, the first one first.
    """

    def __init__(self) -> None:
        self.known: dict[bytes, PictureParameters] = {}
        self.texts: list[str | None] = []
        self.broken = False
        self.failures: list[BaseException] = []

    def encode(
        self,
        raster: Raster,
        text: str | None,
        output_format: OutputFormat = OutputFormat.PNG,
        quality: int | None = None,
    ) -> bytes:
        if self.failures:
            raise self.failures.pop(0)
        if output_format.has_quality and quality is None:
            raise ValueError(f"a {output_format} needs a quality")
        self.texts.append(text)
        stream = io.BytesIO()
        image = Image.frombytes("RGB", (raster.width, raster.height), raster.pixels)
        image.save(stream, output_format, quality=quality or 0)
        data = stream.getvalue()
        self.known[data] = PictureParameters(text or "")
        return data

    def inspect(self, data: bytes) -> PictureRef:
        with self._opened(data) as image:
            return PictureRef(
                id=hashlib.sha256(data).hexdigest(),
                media_type=Image.MIME[str(image.format)],
                size=len(data),
                width=image.width,
                height=image.height,
            )

    def decode(self, data: bytes) -> Raster:
        with self._opened(data) as image:
            return Raster(image.width, image.height, image.convert("RGB").tobytes())

    def decode_mask(self, data: bytes) -> GreyRaster:
        with self._opened(data) as image:
            return GreyRaster(image.width, image.height, image.convert("L").tobytes())

    def transparency_mask(self, data: bytes) -> bytes | None:
        with self._opened(data) as image:
            if image.mode != "RGBA":
                return None
            mask = ImageChops.invert(image.getchannel("A"))
            stream = io.BytesIO()
            mask.save(stream, "PNG")
            return stream.getvalue() if mask.getbbox() else None

    def encode_mask(self, mask: GreyRaster) -> bytes:
        stream = io.BytesIO()
        Image.frombytes("L", (mask.width, mask.height), bytes(mask.pixels)).save(stream, "PNG")
        return stream.getvalue()

    def parameters(self, data: bytes) -> PictureParameters:
        if data not in self.known:
            raise UnreadablePicture("is not a PNG, JPEG or WebP file")
        return self.known[data]

    def thumbnail(self, data: bytes) -> bytes:
        if self.broken or not data.startswith(_SIGNATURES) or len(data) < 16:
            raise UnreadablePicture("cannot be read as a PNG, JPEG or WebP file")
        return b"RIFF\x04\x00\x00\x00WEBP" + len(data).to_bytes(4, "big")

    @staticmethod
    def _opened(data: bytes) -> Image.Image:
        """Return a whole picture without orientation, profile and animation."""
        try:
            image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
            image.load()
        except Exception as error:
            raise UnreadablePicture("is not a PNG, JPEG or WebP file") from error
        if image.width * image.height > MOST_PIXELS_SENT:
            raise UnreadablePicture(f"has more than {MOST_PIXELS_SENT} pixels")
        return image
