"""Makes the map of a picture, so that a client sees what a ControlNet would follow."""

import threading

from application.parts.pictures import SentPicture
from application.pictures import Pictures
from domain.errors import FieldProblem, InvalidRequest, PictureNotFound, UnreadablePicture
from domain.generation.parts import Preprocessor
from domain.generation.parts.checks import picture_problem
from domain.ports.picture_codec import PictureCodec
from domain.ports.preprocessor import PicturePreprocessor

__all__ = ["MakeMap"]


class MakeMap:
    """Makes the maps of pictures, one at a time. It keeps no picture. Any thread may call it.

    Args:
        pictures: The pictures of the callers.
        codec: Reads the pictures, and encodes the maps.
        preprocessor: Makes the maps.
    """

    def __init__(
        self, pictures: Pictures, codec: PictureCodec, preprocessor: PicturePreprocessor
    ) -> None:
        self._pictures = pictures
        self._codec = codec
        self._preprocessor = preprocessor
        self._making = threading.Lock()

    def __call__(
        self, picture: SentPicture, preprocessor: Preprocessor, *, caller: str, field: str = "image"
    ) -> bytes:
        """Return the map as a PNG file with the size of the picture.

        Equal arguments give equal bytes.

        Args:
            picture: A picture that the caller sends, or one that it has.
            preprocessor: How the map is made.
            caller: The name of the caller.
            field: The name of the picture in an error.

        Raises:
            InvalidRequest: The caller has no such picture, or the picture cannot be read; a row for
                `field`.
            PictureFileTooLarge: The file has too many bytes.
            OutOfMemory: The host does not have enough memory.
            GenerationFailed: The map cannot be encoded for another reason.
            StorageUnavailable: The pictures of the caller cannot be read now.
        """
        with self._making:  # the pixels of one picture at a time
            data = self._file(picture, caller, field)
            raster = self._codec.decode(data)
            return self._codec.encode(self._preprocessor.map_of(raster, preprocessor), None)

    def _file(self, picture: SentPicture, caller: str, field: str) -> bytes:
        if picture.data is not None:
            try:
                self._pictures.inspect(picture.data)
            except UnreadablePicture as error:
                raise _refused(f"{field}.base64", error.what) from error
            return picture.data
        try:
            ref, data = self._pictures.file(caller, picture.id or "")
        except PictureNotFound as error:
            text = "names no picture of yours; send the picture, or the id of one that is kept"
            raise _refused(f"{field}.id", text) from error
        if message := picture_problem(ref):  # a drawn picture may have more pixels than a sent one
            raise _refused(f"{field}.id", message)
        return data


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldProblem(field, message)])
