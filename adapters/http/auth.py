"""Who sent a request."""

from collections.abc import Callable

from flask import g, request

from adapters.http.openapi.blueprint import DescribedBlueprint
from adapters.http.openapi.document import BEARER
from domain.credentials import Principal, Scope
from domain.services.credential_checker import CredentialChecker

__all__ = ["current_principal", "protect"]


def protect(
    blueprint: DescribedBlueprint, checker: CredentialChecker, scope: Scope | None = None
) -> None:
    """Let no request reach `blueprint`, nor its body be read, without a good credential."""
    blueprint.before_request(_guard(checker, scope))
    blueprint.describe_guard([BEARER], scope)


def current_principal() -> Principal:
    """The caller of a protected route."""
    principal: Principal = g.principal
    return principal


def _guard(checker: CredentialChecker, scope: Scope | None) -> Callable[[], None]:
    def check() -> None:
        if request.method != "OPTIONS":  # a browser's preflight carries no credential
            g.principal = checker(_bearer(request.headers.get("Authorization", "")), scope)

    return check


def _bearer(header: str) -> str | None:
    """The credential of RFC 6750, section 2.1; None when the header holds none."""
    scheme, _, credential = header.strip().partition(" ")
    return credential.strip() or None if scheme.lower() == "bearer" else None
