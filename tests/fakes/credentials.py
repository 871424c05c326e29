"""Credentials that a test defines."""

from domain.credentials import Principal
from domain.ports.credential_verifier import CredentialVerifier

__all__ = ["FakeCredentialVerifier"]


class FakeCredentialVerifier(CredentialVerifier):
    """Accepts the credentials in `principals`."""

    def __init__(self, principals: dict[str, Principal] | None = None) -> None:
        self.principals = dict(principals or {})

    def verify(self, credential: str) -> Principal | None:
        return self.principals.get(credential)
