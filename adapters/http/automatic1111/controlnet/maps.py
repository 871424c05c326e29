"""The maps that ControlNets follow, as the web UI adds them to its pictures."""

import base64
from collections.abc import Iterator, Sequence

from adapters.http.automatic1111.controlnet.asked import AskedControl
from adapters.http.automatic1111.controlnet.building import InitImage, source_of
from domain.generation.parts import Preprocessor, ResizeMode
from domain.generation.raster import Raster
from domain.ports.picture_codec import PictureCodec
from domain.ports.picture_resizer import PictureResizer
from domain.ports.preprocessor import PicturePreprocessor
from domain.sizes import Size

__all__ = ["ControlMaps"]


class ControlMaps:
    """Makes maps as the engine makes them.

    Args:
        codec: Reads and writes pictures.
        resizer: Gives a picture the size of a drawing.
        preprocessor: Makes a map of a picture.
    """

    def __init__(
        self, codec: PictureCodec, resizer: PictureResizer, preprocessor: PicturePreprocessor
    ) -> None:
        self._codec = codec
        self._resizer = resizer
        self._preprocessor = preprocessor

    def __call__(
        self, units: Sequence[AskedControl], *, sizes: Sequence[Size], init_image: InitImage | None
    ) -> Iterator[str]:
        """Yield the maps of units as PNG files in base64: for each unit, one of each size.

        The web UI adds them for every unit, also for one whose picture is the map. It leaves out
        those of a unit with `save_detected_map` false.
        """
        for unit in units:
            source = source_of(unit, init_image)
            if not unit.has_map or source is None:
                continue
            picture = self._codec.decode(source.data)
            for size in sizes:
                resized = self._resizer.resized(picture, size, source.resize_mode)
                yield self.file(self.of(resized, unit.preprocessor))

    def of(self, picture: Raster, preprocessor: Preprocessor | None) -> Raster:
        """Return the map of a picture; the picture itself without a preprocessor."""
        if preprocessor is None:
            return picture
        return self._preprocessor.map_of(picture, preprocessor)

    def resized(self, picture: Raster, size: Size) -> Raster:
        """Return a picture of the same proportions in another size."""
        return self._resizer.resized(picture, size, ResizeMode.STRETCH)

    def read(self, data: bytes) -> Raster:
        """Return the pixels of a picture file. Raise UnreadablePicture if it is not one."""
        return self._codec.decode(data)

    def file(self, picture: Raster) -> str:
        """Return a PNG file in base64."""
        return base64.b64encode(self._codec.encode(picture, None)).decode("ascii")
