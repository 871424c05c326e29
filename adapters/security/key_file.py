"""The API key that the service creates for itself and keeps between starts."""

import contextlib
import logging
import os
import secrets
import stat
from pathlib import Path

from adapters.security.whole_files import put_first
from application.settings.made_key import MadeApiKey
from application.settings.settings import SettingsError

__all__ = ["ApiKeyFile"]

_BYTES = 32
"""Random bytes in a key, as in `ai-inference keys new`."""
_LONGEST = 1024
"""Bytes read from the file at most; a key has 43."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_log = logging.getLogger(__name__)


class ApiKeyFile:
    """A file `api-key` in `folder` that only its owner can read.

    Several processes may ask at once: all get the same key. The key is never logged.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._path = self._folder / "api-key"

    def read(self) -> MadeApiKey | None:
        """Return the stored key, or None if there is no file. Changes nothing.

        Raises SettingsError if the file cannot be read or holds no key.
        """
        return self._read(mend=False)

    def read_or_make(self) -> MadeApiKey:
        """Return the stored key, or create and store one.

        If other users can read the file, their access is removed, with a warning. A file system
        without permissions, such as FAT, stores no key: the new key is then valid in this process
        only.

        Raises SettingsError if the folder is not writable, or if the file cannot be read or holds
        no key.
        """
        kept = self._read(mend=True)
        return self._make() if kept is None else kept

    def _read(self, *, mend: bool) -> MadeApiKey | None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror}") from None
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):
                raise self._unusable("is not a file")
            if mend and about.st_mode & _OTHERS:
                self._close_to_others(file)
            key = os.read(file, _LONGEST).decode("ascii", "replace").strip()
        finally:
            os.close(file)
        if len(key) < _BYTES or not key.isascii() or not key.isprintable() or " " in key:
            raise self._unusable("does not hold an API key")
        return MadeApiKey(key, kept_in=str(self._path.absolute()))

    def _close_to_others(self, file: int) -> None:
        with contextlib.suppress(OSError):
            os.fchmod(file, stat.S_IRUSR | stat.S_IWUSR)
        if os.fstat(file).st_mode & _OTHERS:
            raise self._unusable("can be read by other users, so its key is not a secret")
        _log.warning(
            "other users could read %s until now; to get a new key, delete it and start again",
            self._path,
        )

    def _make(self) -> MadeApiKey:
        key = secrets.token_urlsafe(_BYTES)
        temporary = self._folder / f".api-key-{secrets.token_hex(8)}.tmp"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with open(os.open(temporary, flags, 0o600), "w", encoding="ascii") as text:
                if os.fstat(text.fileno()).st_mode & _OTHERS:
                    return MadeApiKey(key, kept_in=None)
                text.write(key + "\n")
                text.flush()
                os.fsync(text.fileno())
            if not put_first(temporary, self._path):
                return self.read_or_make()  # another process was first
        except OSError as error:
            raise SettingsError(
                [
                    f"DATA_DIR is '{self._folder}'; nothing can be written to it: "
                    f"{error.strerror}. Name a folder that this user can write to"
                ]
            ) from None
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        return MadeApiKey(key, kept_in=str(self._path.absolute()))

    def _unusable(self, why: str) -> SettingsError:
        return SettingsError(
            [
                f"API_KEYS is not set, and {self._path.absolute()}, where the service keeps a key "
                f"of its own, {why}. Delete it to get a new key, or set API_KEYS"
            ]
        )
