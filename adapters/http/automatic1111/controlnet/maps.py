"""The maps that ControlNets follow, as the web UI adds them to its pictures."""

import base64
import threading
from collections.abc import Iterator, Sequence

from adapters.http.automatic1111.controlnet.asked import AskedControl
from adapters.http.automatic1111.controlnet.building import InitImage, source_of
from domain.generation.parts import Preprocessor, ResizeMode
from domain.ports.picture_codec import PictureCodec
from domain.ports.picture_resizer import PictureResizer
from domain.ports.preprocessor import PicturePreprocessor
from domain.sizes import Size

__all__ = ["ControlMaps"]


class ControlMaps:
    """Makes maps as the engine makes them, one at a time. Any thread may call it.

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
        self._making = threading.Lock()

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
            for size in sizes:
                yield self.file(source.data, unit.preprocessor, size, source.resize_mode)

    def file(
        self,
        data: bytes,
        preprocessor: Preprocessor | None,
        size: Size | None,
        resize_mode: ResizeMode = ResizeMode.STRETCH,
    ) -> str:
        """Return the map of a picture as a PNG file in base64.

        Args:
            data: The file of the picture.
            preprocessor: How the map is made; None for the picture itself.
            size: The size of the map; None for that of the picture.
            resize_mode: How the picture gets this size.

        Raises:
            UnreadablePicture: The file is not a picture.
            OutOfMemory: The host does not have enough memory.
        """
        with self._making:  # the pixels of one picture at a time
            picture = self._codec.decode(data)
            if size is not None:
                picture = self._resizer.resized(picture, size, resize_mode)
            if preprocessor is not None:
                picture = self._preprocessor.map_of(picture, preprocessor)
            return base64.b64encode(self._codec.encode(picture, None)).decode("ascii")
