"""What every door does with pictures: keep one that is sent, find one, and read its file."""

from abc import abstractmethod
from dataclasses import dataclass

from domain.errors import FieldProblem, InvalidRequest, PictureFileTooLarge, UnreadablePicture
from domain.pictures import PictureRef
from domain.ports.picture_codec import PictureCodec
from domain.ports.picture_source import PictureSource

__all__ = ["MAX_PICTURE_BYTES", "KeptPicture", "Pictures", "inspected", "kept_as"]

MAX_PICTURE_BYTES = 16_777_216
"""The default limit of a picture file that a caller sends, in bytes."""


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture that was sent; `is_new` is false if the same caller had it before."""

    ref: PictureRef
    is_new: bool


class Pictures(PictureSource):
    """The pictures that each caller has sent, and those that were drawn for it.

    A caller has a picture if it sent these bytes itself, or if they were drawn for it. To anybody
    else the picture is as unknown as one that is not there. Any thread may call any method.
    """

    @abstractmethod
    def inspect(self, data: bytes) -> PictureRef:
        """Return the reference of a picture file, and keep nothing.

        Raises:
            PictureFileTooLarge, UnreadablePicture, OutOfMemory: As `keep`.
        """

    @abstractmethod
    def keep(self, caller: str, data: bytes, ref: PictureRef | None = None) -> KeptPicture:
        """Keep a picture file that a caller sent. The same bytes again are the same picture.

        `ref` is what `inspect` returned for this file; None if the file was not inspected before.

        Raises:
            PictureFileTooLarge: The file has too many bytes.
            UnreadablePicture: It is not a picture, is cut off, or has too many pixels.
            OutOfMemory: The host does not have enough memory.
            StorageUnavailable: It cannot be stored now. Nothing is kept.
            ShuttingDown: The service is stopping.
        """

    @abstractmethod
    def find(self, caller: str, picture_id: str) -> PictureRef:
        """Return a picture of this caller, for a request that names it.

        This counts as a use of the picture, so that it stays until the request is accepted.

        Raises:
            PictureNotFound: The caller has no such picture.
            StorageUnavailable: It cannot be looked up now.
            ShuttingDown: The service is stopping.
        """

    @abstractmethod
    def file(self, caller: str, picture_id: str) -> tuple[PictureRef, bytes]:
        """Return a picture of this caller, and its file.

        Raises:
            PictureNotFound: The caller has no such picture, or its file is gone.
            StorageUnavailable: It cannot be read now.
        """


def inspected(codec: PictureCodec, data: bytes, max_bytes: int) -> PictureRef:
    """Return the reference of a file that a caller sent.

    Raises:
        PictureFileTooLarge: The file has more than `max_bytes`.
        UnreadablePicture, OutOfMemory: As `PictureCodec.inspect`.
    """
    if len(data) > max_bytes:
        raise PictureFileTooLarge(max_bytes)
    return codec.inspect(data)


def kept_as(field: str, pictures: Pictures, caller: str, data: bytes) -> KeptPicture:
    """Keep a picture that a caller sent as this field of a request.

    Raises:
        InvalidRequest: It is not a picture, is cut off, or has too many pixels; one row for
            `field`.
        DomainError: Any other error of `Pictures.keep`.
    """
    try:
        return pictures.keep(caller, data)
    except UnreadablePicture as error:
        raise InvalidRequest([FieldProblem(field, error.what)]) from error
