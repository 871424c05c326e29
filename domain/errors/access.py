"""Credentials and rights."""

from domain.errors.base import DomainError

__all__ = [
    "Forbidden",
    "LinkNotValid",
    "TokenMintingForbidden",
    "TokensUnavailable",
    "Unauthenticated",
]


class Unauthenticated(DomainError):
    """No credential was sent, or one that is not good. Never says which part was wrong."""

    code = "unauthenticated"

    def __init__(self, *, credential_sent: bool) -> None:
        self.credential_sent = credential_sent
        super().__init__(
            "the credential is not valid; send a current API key or token"
            if credential_sent
            else "a credential is needed; send 'Authorization: Bearer <API key or token>'"
        )


class Forbidden(DomainError):
    """The credential is good and does not carry the right."""

    code = "insufficient_scope"


class TokenMintingForbidden(Forbidden):
    """Only an API key mints tokens."""

    code = "token_minting_forbidden"


class LinkNotValid(Forbidden):
    """A link to a picture has expired, or this service has not made it. Never says which."""

    code = "link_not_valid"

    def __init__(self) -> None:
        super().__init__(
            "the link to this picture is not valid, or has expired; ask for the picture again"
        )


class TokensUnavailable(DomainError):
    """Tokens need a signing key, and none is configured."""

    code = "tokens_unavailable"
