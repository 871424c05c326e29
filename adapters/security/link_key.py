"""The key that signs links to images. It is the same in every run of a service."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from threading import Lock

from adapters.security.whole_files import NotASecret, read_secret, write_secret
from domain.errors import StorageFault, StorageUnavailable

__all__ = ["LinkKey"]

_BYTES = 32
_LABEL = b"ai-inference: key of picture links"


class LinkKey:
    """A key derived from the secret key, or a random one in a file that only its owner can read.

    The file is created when the key is first needed. If other users can read the file, their access
    is removed, with a warning. A file system without permissions, such as FAT, stores no file: the
    key is then valid in this process only. Any thread may ask for the key.
    """

    def __init__(self, secret_key: str | None, file: str | os.PathLike[str]) -> None:
        self._secret_key = secret_key
        self._file = Path(file)
        self._lock = Lock()
        self._key: bytes | None = None

    def __call__(self) -> bytes:
        """Return 32 bytes. Raises StorageUnavailable if the file cannot be read or created."""
        with self._lock:
            if self._key is None:
                self._key = self._derived() if self._secret_key else self._kept()
            return self._key

    def _derived(self) -> bytes:
        secret = (self._secret_key or "").encode(errors="surrogateescape")
        return hmac.new(secret, _LABEL, hashlib.sha256).digest()

    def _kept(self) -> bytes:
        try:
            key = read_secret(self._file, _BYTES + 1, mend=True)
            if key is None:
                new = secrets.token_bytes(_BYTES)
                if write_secret(self._file, new) is not False:
                    return new  # if the file system has no permissions; valid in this process only
                key = read_secret(self._file, _BYTES + 1, mend=True)  # another process was first
        except NotASecret as error:
            raise StorageUnavailable(
                f"the key of picture links, {self._file.name}, {error}", StorageFault.LINK_KEY
            ) from error
        except OSError as error:
            raise StorageUnavailable(
                f"the key of picture links can be neither read nor made: {error.strerror}",
                StorageFault.LINK_KEY,
            ) from error
        if key is None or len(key) != _BYTES:
            raise StorageUnavailable(
                f"the key of picture links, {self._file.name}, does not hold {_BYTES} bytes",
                StorageFault.LINK_KEY,
            )
        return key
