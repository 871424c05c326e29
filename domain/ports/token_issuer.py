"""Makes tokens."""

from abc import ABC, abstractmethod

from domain.credentials import AccessToken, Scope

__all__ = ["TokenIssuer"]


class TokenIssuer(ABC):
    """Signs tokens that a `CredentialVerifier` of the same technology accepts."""

    @abstractmethod
    def issue(self, *, subject: str, scopes: frozenset[Scope], expires_in: int) -> AccessToken:
        """A token for `subject`, good for `expires_in` seconds from now."""
