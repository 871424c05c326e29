"""Identifies callers and checks their rights."""

from collections.abc import Sequence

from domain.credentials import AccessToken, Principal, Scope, scope_problem
from domain.errors import (
    FieldProblem,
    InvalidRequest,
    ScopeMissing,
    TokenMintingForbidden,
    TokensUnavailable,
    Unauthenticated,
)
from domain.limits import IntegerRange
from domain.ports.credential_verifier import CredentialVerifier
from domain.ports.token_issuer import TokenIssuer

__all__ = ["CredentialChecker"]


class CredentialChecker:
    """Identifies callers by their credentials, and makes tokens for callers with an API key."""

    EXPIRES_IN = IntegerRange(1, 86_400)
    """The allowed seconds that a token is valid."""
    DEFAULT_EXPIRES_IN = 3600

    def __init__(
        self, verifiers: Sequence[CredentialVerifier], issuer: TokenIssuer | None = None
    ) -> None:
        self._verifiers = tuple(verifiers)
        self._issuer = issuer

    def __call__(self, credential: str | None, scope: Scope | None = None) -> Principal:
        """Return the caller with this credential, after a check that it has `scope`.

        Raises:
            Unauthenticated: The credential is missing, or no verifier knows it.
            ScopeMissing: The credential is valid and lacks the scope.
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
            raise ScopeMissing(scope)
        return principal

    def require_minting(self, principal: Principal) -> None:
        """Raise an error if `principal` cannot get a token.

        Raises:
            TokenMintingForbidden: The principal's own credential is a token.
            TokensUnavailable: The service has no key to sign with.
        """
        self._issuer_for(principal)

    def mint(
        self,
        principal: Principal,
        *,
        expires_in: int = DEFAULT_EXPIRES_IN,
        scope: str | None = None,
    ) -> AccessToken:
        """Return a token for `principal` with the space-separated `scope`; by default all scopes.

        Raises:
            TokenMintingForbidden: The principal's own credential is a token.
            TokensUnavailable: The service has no key to sign with.
            InvalidRequest: `expires_in` or `scope` is wrong.
        """
        issuer = self._issuer_for(principal)
        problems: list[FieldProblem] = []
        if message := self.EXPIRES_IN.problem(expires_in):
            problems.append(FieldProblem("expires_in", message))
        if scope is not None and (message := scope_problem(scope, principal.scopes)):
            problems.append(FieldProblem("scope", message))
        if problems:
            raise InvalidRequest(problems)
        scopes = principal.scopes if scope is None else frozenset(map(Scope, scope.split()))
        return issuer.issue(subject=principal.name, scopes=scopes, expires_in=expires_in)

    def _issuer_for(self, principal: Principal) -> TokenIssuer:
        if not principal.may_mint:
            raise TokenMintingForbidden
        if self._issuer is None:
            raise TokensUnavailable
        return self._issuer
