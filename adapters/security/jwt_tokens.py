"""JSON Web Tokens (RFC 7519), HS256."""

import time
from collections.abc import Callable

import jwt

from domain.credentials import AccessToken, Principal, Scope, join_scopes
from domain.ports.credential_verifier import CredentialVerifier
from domain.ports.token_issuer import TokenIssuer

__all__ = ["JwtTokens"]

_ALGORITHM = "HS256"
_LEEWAY_SECONDS = 10
_MAX_SUBJECT_CHARACTERS = 200


class JwtTokens(CredentialVerifier, TokenIssuer):
    """Signs and verifies tokens with one shared secret."""

    def __init__(self, secret_key: str, *, clock: Callable[[], float] = time.time) -> None:
        self._secret_key = secret_key
        self._clock = clock

    def verify(self, credential: str) -> Principal | None:
        """Return the caller of a token; require `exp` and `sub`, honour `nbf` and `iat`."""
        try:
            claims = jwt.decode(
                credential,
                self._secret_key,
                algorithms=[_ALGORITHM],
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "sub"], "verify_aud": False},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        subject, scope = claims["sub"], claims.get("scope")
        if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT_CHARACTERS:
            return None
        if scope is None:
            return Principal(name=subject, scopes=frozenset(Scope))
        if not isinstance(scope, str):
            return None
        given = scope.split()
        return Principal(name=subject, scopes=frozenset(s for s in Scope if s in given))

    def issue(self, *, subject: str, scopes: frozenset[Scope], expires_in: int) -> AccessToken:
        now = int(self._clock())
        claims = {
            "sub": subject,
            "iat": now,
            "exp": now + expires_in,
            "scope": join_scopes(scopes),
        }
        token = jwt.encode(claims, self._secret_key, algorithm=_ALGORITHM)
        return AccessToken(token=token, expires_in=expires_in, scopes=scopes)
