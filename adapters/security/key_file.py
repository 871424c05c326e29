"""The API key that the service creates for itself and keeps between starts."""

import os
import secrets
from pathlib import Path

from adapters.security.whole_files import NotASecret, read_secret, write_secret
from application.settings.made_key import MadeApiKey
from application.settings.settings import SettingsError

__all__ = ["ApiKeyFile"]

_BYTES = 32
"""Random bytes in a key, as in `ai-inference keys new`."""
_LONGEST = 1024
"""Bytes that are read of the file; a key has 43."""


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
            kept = read_secret(self._path, _LONGEST, mend=mend)
        except NotASecret as error:
            raise self._unusable(str(error)) from None
        if kept is None:
            return None
        key = kept.decode("ascii", "replace").strip()
        if len(key) < _BYTES or not key.isascii() or not key.isprintable() or " " in key:
            raise self._unusable("does not hold an API key")
        return MadeApiKey(key, kept_in=str(self._path.absolute()))

    def _make(self) -> MadeApiKey:
        key = secrets.token_urlsafe(_BYTES)
        try:
            is_kept = write_secret(self._path, f"{key}\n".encode())
        except OSError as error:
            raise SettingsError(
                [
                    f"DATA_DIR is '{self._folder}'; nothing can be written to it: "
                    f"{error.strerror}. Name a folder that this user can write to"
                ]
            ) from None
        if is_kept is None:
            return MadeApiKey(key, kept_in=None)
        if not is_kept:
            return self.read_or_make()  # another process was first
        return MadeApiKey(key, kept_in=str(self._path.absolute()))

    def _unusable(self, why: str) -> SettingsError:
        return SettingsError(
            [
                f"API_KEYS is not set, and {self._path.absolute()}, where the service keeps a key "
                f"of its own, {why}. Delete it to get a new key, or set API_KEYS"
            ]
        )
