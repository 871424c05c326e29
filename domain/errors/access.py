"""Credentials and rights."""

from dataclasses import dataclass

from domain.errors.base import DomainError

__all__ = [
    "Forbidden",
    "LinkNotValid",
    "ScopeMissing",
    "TokenMintingForbidden",
    "TokensUnavailable",
    "Unauthenticated",
]


@dataclass(eq=False)
class Unauthenticated(DomainError):
    """The request has no credential, or one that is not valid. The answer does not say why."""

    credential_sent: bool

    code = "unauthenticated"

    def __str__(self) -> str:
        if self.credential_sent:
            return "the credential is not valid"
        return "a credential is needed"


class Forbidden(DomainError):
    """The credential is valid, but does not give the right."""


@dataclass(eq=False)
class ScopeMissing(Forbidden):
    """The credential is valid, but lacks the scope that is needed.

    Attributes:
        scope: The scope's name in tokens.
    """

    scope: str

    code = "insufficient_scope"

    def __str__(self) -> str:
        return "the credential does not give this right"


class TokenMintingForbidden(Forbidden):
    """Only an API key can make a token."""

    code = "token_minting_forbidden"

    def __str__(self) -> str:
        return "only an API key can make a token"


class LinkNotValid(Forbidden):
    """The link has expired, or this service did not make it. The answer does not say which."""

    code = "link_not_valid"

    def __str__(self) -> str:
        return "the link to this picture is not valid, or has expired"


class TokensUnavailable(DomainError):
    """Tokens need a key to sign with, and the service has none."""

    code = "tokens_unavailable"

    def __str__(self) -> str:
        return "there are no tokens, because there is no key to sign them with"
