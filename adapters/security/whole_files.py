"""Files of secrets that only their owner can read, and that other processes see complete or not at
all.
"""

import contextlib
import logging
import os
import secrets
import stat
from pathlib import Path

__all__ = ["NotASecret", "put_first", "read_secret", "write_secret"]

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_log = logging.getLogger(__name__)


class NotASecret(Exception):
    """A file that no secret can be read from; the message says what is wrong with it."""


def read_secret(path: Path, most: int, *, mend: bool) -> bytes | None:
    """Return the first bytes of a file; None if there is no file. No link is followed.

    Args:
        path: The file.
        most: How many bytes are read.
        mend: Whether other users' access to the file is removed, with a warning.

    Raises:
        NotASecret: the file cannot be read, is not a file, or other users' access cannot be
            removed.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise NotASecret(f"cannot be read: {error.strerror}") from None
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise NotASecret("is not a file")
        if mend and about.st_mode & _OTHERS:
            _close_to_others(file, path)
        return os.read(file, most)
    finally:
        os.close(file)


def write_secret(path: Path, data: bytes) -> bool | None:
    """Store a new secret in a file that only its owner can read; its folder is created too.

    Returns:
        True if it is stored, False if the file exists already, and None if the file system has no
            permissions, such as FAT: then nothing is written.

    Raises:
        OSError: the folder is not writable.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.parent / f".{path.name}-{secrets.token_hex(8)}.tmp"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                return None
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return put_first(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_first(temporary: Path, path: Path) -> bool:
    """Give a complete file its name, unless another file already has that name.

    `temporary` is in the same folder, and may still be there afterwards.

    Returns:
        False if another file has the name; that file is left unchanged.

    Raises:
        OSError: the folder is not writable.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            return False
        temporary.replace(path)
    return True


def _close_to_others(file: int, path: Path) -> None:
    with contextlib.suppress(OSError):
        os.fchmod(file, stat.S_IRUSR | stat.S_IWUSR)
    if os.fstat(file).st_mode & _OTHERS:
        raise NotASecret("can be read by other users, so its key is not a secret")
    _log.warning(
        "other users could read %s until now; to get a new key, delete it and start again", path
    )
