"""Tells who a credential belongs to."""

from abc import ABC, abstractmethod

from domain.credentials import Principal

__all__ = ["CredentialVerifier"]


class CredentialVerifier(ABC):
    """Knows one kind of credential."""

    @abstractmethod
    def verify(self, credential: str) -> Principal | None:
        """Whose `credential` this is; None when it is not a good one of this kind."""
