"""API keys."""

import hashlib
import hmac
from collections.abc import Iterable

from domain.credentials import Principal, Scope
from domain.ports.credential_verifier import CredentialVerifier

__all__ = ["ApiKeyVerifier"]


class ApiKeyVerifier(CredentialVerifier):
    """A fixed set of keys. Keeps their SHA-256 hashes, not the keys.

    Args:
        keys: The keys.
        scopes: What each key may do; a key that is not named may do everything.
        may_mint: Which keys may issue tokens.
    """

    def __init__(
        self, keys: Iterable[str], *, scopes: Iterable[Scope] = Scope, may_mint: bool = True
    ) -> None:
        self._digests = tuple(hashlib.sha256(key.encode()).digest() for key in keys)
        self._scopes = frozenset(scopes)
        self._may_mint = may_mint

    def verify(self, credential: str) -> Principal | None:
        """Return the caller of this key. Takes the same time for every key, known or not."""
        digest = hashlib.sha256(credential.encode(errors="surrogateescape")).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if not any(matches):
            return None
        name = f"key:{digest.hex()[:8]}"
        return Principal(name=name, scopes=self._scopes, may_mint=self._may_mint)
