"""The key that signs links to images. It is the same in every run of a service."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from threading import Lock

from adapters.security.whole_files import put_first
from domain.errors import StorageFault, StorageUnavailable

__all__ = ["LinkKey"]

_BYTES = 32
_LABEL = b"ai-inference: key of picture links"


class LinkKey:
    """A key derived from the secret key, or a random one in a file that only its owner can read.

    The file is created when the key is first needed. Any thread may ask for it.
    """

    def __init__(self, secret_key: str | None, file: str | os.PathLike[str]) -> None:
        self._secret_key = secret_key
        self._file = Path(file)
        self._lock = Lock()
        self._key: bytes | None = None

    def __call__(self) -> bytes:
        """Return 32 bytes. Raises StorageUnavailable if the file can be neither read nor
        created.
        """
        with self._lock:
            if self._key is None:
                self._key = self._derived() if self._secret_key else self._kept()
            return self._key

    def _derived(self) -> bytes:
        secret = (self._secret_key or "").encode(errors="surrogateescape")
        return hmac.new(secret, _LABEL, hashlib.sha256).digest()

    def _kept(self) -> bytes:
        try:
            if not self._file.exists():
                self._make()
            key = self._file.read_bytes()
        except OSError as error:
            raise StorageUnavailable(
                f"the key of picture links can be neither read nor made: {error.strerror}",
                StorageFault.LINK_KEY,
            ) from error
        if len(key) != _BYTES:
            raise StorageUnavailable(
                f"the key of picture links, {self._file.name}, has {len(key)} bytes and not "
                f"{_BYTES}",
                StorageFault.LINK_KEY,
            )
        return key

    def _make(self) -> None:
        """Put a complete file in place. If two processes do this at once, the first one wins."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._file.with_name(f".{self._file.name}-{secrets.token_hex(4)}")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as file:
                file.write(secrets.token_bytes(_BYTES))
                file.flush()
                os.fsync(handle)
            put_first(new, self._file)
        finally:
            new.unlink(missing_ok=True)
