"""The key that signs links to images. It is the same in every run of a service."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from threading import Lock

from adapters.security.whole_files import NotASecret, read_secret, write_secret
from domain.errors import StorageUnavailable

__all__ = ["LinkKey"]

_BYTES = 32
_LABEL = b"ai-inference: key of picture links"


class LinkKey:
    """A key derived from the secret key, or a random one in a file that only its owner can read.

    The file is made when the key is first asked for. A file that others may read is closed to them,
    with a warning. A file system that keeps no rights, such as FAT, gets no file: the key is for
    this process alone then. Any thread may ask.
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
                    return new  # where the file system keeps no rights, for this process alone
                key = read_secret(self._file, _BYTES + 1, mend=True)  # another process was first
        except NotASecret as error:
            raise StorageUnavailable(
                f"{self._file.name} in DATA_DIR {error}; remove it, and a new one is made. Links "
                "that were given before end then"
            ) from error
        except OSError as error:
            raise StorageUnavailable(
                f"the key of picture links can be neither read nor made in DATA_DIR: "
                f"{error.strerror}; ask for the pictures with response_format b64_json"
            ) from error
        if key is None or len(key) != _BYTES:
            raise StorageUnavailable(
                f"{self._file.name} in DATA_DIR does not hold {_BYTES} bytes; remove it, and a new "
                "one is made. Links that were given before end then"
            )
        return key
