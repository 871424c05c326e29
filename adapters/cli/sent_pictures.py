"""The pictures of a request that a person names: files on this machine."""

from pathlib import Path

from adapters.cli.errors import InputError
from adapters.cli.terminal import plain
from application.parts import SentPicture

__all__ = ["read_picture"]


def read_picture(path: Path, *, option: str, max_bytes: int) -> SentPicture:
    """Return the picture file at `path`.

    Raises:
        InputError: It cannot be read, is empty, or has too many bytes. No more than `max_bytes` of
            a file are read.
    """
    name = f"{option}: '{plain(str(path))}'"
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None
    except ValueError:  # a name that no file can have
        raise InputError(f"{name} cannot be read: it is not the name of a file") from None
    if not data:
        raise InputError(f"{name} is empty; name a PNG, JPEG or WebP file")
    if len(data) > max_bytes:
        raise InputError(
            f"{name} has more than MAX_PICTURE_BYTES={max_bytes} bytes; name a smaller file"
        )
    return SentPicture(data=data)
