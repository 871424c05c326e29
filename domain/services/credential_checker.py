"""Who is calling, and may they."""

from collections.abc import Sequence

from domain.credentials import AccessToken, Principal, Scope, join_scopes
from domain.errors import (
    FieldProblem,
    Forbidden,
    InvalidRequest,
    TokenMintingForbidden,
    TokensUnavailable,
    Unauthenticated,
)
from domain.limits import IntegerRange
from domain.ports.credential_verifier import CredentialVerifier
from domain.ports.token_issuer import TokenIssuer

__all__ = ["CredentialChecker"]


class CredentialChecker:
    """Tells callers apart and mints tokens for those who may."""

    EXPIRES_IN = IntegerRange(1, 86_400)
    """Seconds that a token may be good for."""
    DEFAULT_EXPIRES_IN = 3600

    def __init__(
        self, verifiers: Sequence[CredentialVerifier], issuer: TokenIssuer | None = None
    ) -> None:
        self._verifiers = tuple(verifiers)
        self._issuer = issuer

    def __call__(self, credential: str | None, scope: Scope | None = None) -> Principal:
        """The caller with this credential, who has `scope`.

        Raises:
            Unauthenticated: no credential, or one that no verifier knows.
            Forbidden: the credential is good and lacks the scope.
        """
        if not credential:
            raise Unauthenticated(credential_sent=False)
        for verifier in self._verifiers:
            principal = verifier.verify(credential)
            if principal is not None:
                break
        else:
            raise Unauthenticated(credential_sent=True)
        if scope is not None and scope not in principal.scopes:
            raise Forbidden(f"this credential lacks the scope {scope}")
        return principal

    def mint(
        self,
        principal: Principal,
        *,
        expires_in: int = DEFAULT_EXPIRES_IN,
        scope: str | None = None,
    ) -> AccessToken:
        """A token for `principal`, with the space-separated `scope` or, without, all it has.

        Raises:
            TokenMintingForbidden: the principal came with a token itself.
            TokensUnavailable: there is no key to sign with.
            InvalidRequest: `expires_in` or `scope` is wrong.
        """
        if not principal.may_mint:
            raise TokenMintingForbidden("a token can not mint another; use an API key")
        if self._issuer is None:
            raise TokensUnavailable("set SECRET_KEY to have tokens; API keys work without it")
        problems: list[FieldProblem] = []
        if message := self.EXPIRES_IN.problem(expires_in):
            problems.append(FieldProblem("expires_in", message))
        names = sorted(principal.scopes) if scope is None else scope.split()
        if unknown := [name for name in names if name not in principal.scopes]:
            problems.append(
                FieldProblem(
                    "scope",
                    f"names {ascii(unknown[0])[:40]}; known are {join_scopes(principal.scopes)}",
                )
            )
        if problems:
            raise InvalidRequest(problems)
        return self._issuer.issue(
            subject=principal.name,
            scopes=frozenset(Scope(name) for name in names),
            expires_in=expires_in,
        )
