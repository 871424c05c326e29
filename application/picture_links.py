"""Links that open one picture without a credential, for a while."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LinkedPicture", "PictureLinks", "SignedLink"]

_PURPOSE = b"ai-inference picture link 1\n"
"""Keeps these signatures apart from any other that the same key makes."""
_DIGEST_DIGITS = 32
"""128 bits of a picture's SHA-256: enough to tell that the bytes are others."""


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """A picture that a link leads to.

    Attributes:
        token: Of its job.
        number: Which of the job's pictures, from 0.
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
    """What proves that a link was made here; `expires` is seconds since 1970."""

    expires: int
    signature: str


class PictureLinks:
    """Signs links with HMAC-SHA256 (RFC 2104) and checks them. Any thread may call any method.

    Args:
        key: Gives the key, the same in every run. It is asked for with the first link.
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
        """A link to a picture, from now on. Raises StorageUnavailable where there is no key."""
        expires = int(self._now()) + self._seconds
        return SignedLink(expires, self._signature(picture, expires))

    def seconds_left(self, picture: LinkedPicture, link: SignedLink) -> int:
        """How long a link still opens this picture; 0 for one that was not made here, or is over.

        Raises StorageUnavailable where there is no key.
        """
        good = self._signature(picture, link.expires)
        if not hmac.compare_digest(good.encode(), link.signature.encode(errors="replace")):
            return 0
        return max(0, link.expires - int(self._now()))

    def _signature(self, picture: LinkedPicture, expires: int) -> str:
        text = f"{picture.token}\n{picture.number}\n{picture.digest}\n{expires}"
        return hmac.new(self._key(), _PURPOSE + text.encode(), hashlib.sha256).hexdigest()
