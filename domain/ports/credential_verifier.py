"""Identifies the caller of a credential."""

from abc import ABC, abstractmethod

from domain.credentials import Principal

__all__ = ["CredentialVerifier"]


class CredentialVerifier(ABC):
    """Verifies one kind of credential."""

    @abstractmethod
    def verify(self, credential: str) -> Principal | None:
        """Return the owner of `credential`; None if it is not a valid credential of this kind."""
