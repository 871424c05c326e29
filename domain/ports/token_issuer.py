"""Makes tokens."""

from abc import ABC, abstractmethod

from domain.credentials import AccessToken, Scope

__all__ = ["TokenIssuer"]


class TokenIssuer(ABC):
    """Signs tokens that a `CredentialVerifier` of the same technology accepts."""

    @abstractmethod
    def issue(self, *, subject: str, scopes: frozenset[Scope], expires_in: int) -> AccessToken:
        """Return a token for `subject` that is valid for `expires_in` seconds from now."""
