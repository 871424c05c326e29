"""Identifies the caller of a request by its credential."""

import base64
from collections.abc import Callable

from flask import g, request

from adapters.http.description.blueprint import DescribedBlueprint
from adapters.http.description.document import BASIC, BEARER
from domain.credentials import Principal, Scope
from domain.errors import ScopeMissing
from domain.services.credential_checker import CredentialChecker

__all__ = ["current_principal", "protect", "require_scope"]


def protect(
    blueprint: DescribedBlueprint,
    checker: CredentialChecker,
    scope: Scope | None = None,
    *,
    basic: bool = False,
) -> None:
    """Refuse requests to `blueprint` without a valid credential, before their body is read.

    With `basic` the credential may also be the password of HTTP Basic. The user name is ignored.
    """
    read = _bearer_or_password if basic else _bearer
    blueprint.before_request(_guard(checker, scope, read))
    blueprint.describe_guard([BEARER, BASIC] if basic else [BEARER], scope)


def current_principal() -> Principal:
    """Return the caller of a protected route."""
    principal: Principal = g.principal
    return principal


def require_scope(scope: Scope) -> None:
    """Raise ScopeMissing if the caller of a protected route lacks this scope."""
    if scope not in current_principal().scopes:
        raise ScopeMissing(scope)


def _guard(
    checker: CredentialChecker, scope: Scope | None, read: Callable[[str], str | None]
) -> Callable[[], None]:
    def check() -> None:
        if request.method != "OPTIONS":  # a browser's preflight carries no credential
            g.principal = checker(read(request.headers.get("Authorization", "")), scope)

    return check


def _bearer(header: str) -> str | None:
    """Return the credential of RFC 6750, section 2.1; None if the header holds none."""
    scheme, _, credential = header.strip().partition(" ")
    return credential.strip() or None if scheme.lower() == "bearer" else None


def _bearer_or_password(header: str) -> str | None:
    """Return the bearer credential, or else the password of RFC 7617, section 2."""
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return _bearer(header)
    try:
        pair = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
    except ValueError:
        return None
    return pair.partition(":")[2] or None
