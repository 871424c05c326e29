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
    """The request has no credential, or one that is not valid. The answer does not say why."""

    code = "unauthenticated"

    def __init__(self, *, credential_sent: bool) -> None:
        self.credential_sent = credential_sent
        super().__init__(
            "the credential is not valid; send a current API key or token"
            if credential_sent
            else "a credential is needed; send 'Authorization: Bearer <API key or token>'"
        )


class Forbidden(DomainError):
    """The credential is valid, but lacks the scope that this route needs."""

    code = "insufficient_scope"


class TokenMintingForbidden(Forbidden):
    """Only an API key can make a token."""

    code = "token_minting_forbidden"


class LinkNotValid(Forbidden):
    """The link has expired, or this service did not make it. The answer does not say which."""

    code = "link_not_valid"

    def __init__(self) -> None:
        super().__init__(
            "the link to this picture is not valid, or has expired; ask for the picture again"
        )


class TokensUnavailable(DomainError):
    """Tokens need a `SECRET_KEY`, and none is set."""

    code = "tokens_unavailable"
