"""Links that open one picture without a credential, for a while."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LinkedPicture", "PictureLinks", "SignedLink"]

_PURPOSE = b"ai-inference picture link 1\n"
"""Keeps these signatures apart from other signatures by the same key."""
_DIGEST_DIGITS = 32
"""128 bits of the SHA-256 of a picture: enough to tell different files apart."""


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """A picture that a link leads to.

    Attributes:
        token: The token of its job.
        number: The number of the picture, from 0.
        digest: The first 32 hex digits of the SHA-256 of its file.
    """

    token: str
    number: int
    digest: str

    @classmethod
    def of(cls, token: str, number: int, data: bytes) -> "LinkedPicture":
        """The picture with this file."""
        return cls(token, number, hashlib.sha256(data).hexdigest()[:_DIGEST_DIGITS])

    def describes(self, data: bytes) -> bool:
        """Whether a file is this picture."""
        return self.of(self.token, self.number, data) == self


@dataclass(frozen=True, slots=True)
class SignedLink:
    """Proves that this service made a link; `expires` is in seconds since 1970."""

    expires: int
    signature: str


class PictureLinks:
    """Signs links with HMAC-SHA256 (RFC 2104) and checks them. Any thread may call any method.

    Args:
        key: Returns the key, the same in every run. It is called with the first link.
        seconds: How long a link opens its picture.
        now: Seconds since 1970.
    """

    def __init__(
        self, key: Callable[[], bytes], *, seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._seconds = seconds
        self._now = now

    def sign(self, picture: LinkedPicture) -> SignedLink:
        """A link to a picture, valid from now on. Raises StorageUnavailable without a key."""
        expires = int(self._now()) + self._seconds
        return SignedLink(expires, self._signature(picture, expires))

    def seconds_left(self, picture: LinkedPicture, link: SignedLink) -> int:
        """For how long a link still opens this picture; 0 for a forged or expired link.

        Raises StorageUnavailable without a key.
        """
        good = self._signature(picture, link.expires)
        if not hmac.compare_digest(good.encode(), link.signature.encode(errors="replace")):
            return 0
        return max(0, link.expires - int(self._now()))

    def _signature(self, picture: LinkedPicture, expires: int) -> str:
        text = f"{picture.token}\n{picture.number}\n{picture.digest}\n{expires}"
        return hmac.new(self._key(), _PURPOSE + text.encode(), hashlib.sha256).hexdigest()
