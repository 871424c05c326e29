"""Assembles the checker of credentials from the settings."""

from adapters.security.api_keys import ApiKeyVerifier
from adapters.security.jwt_tokens import JwtTokens
from application.settings.settings import Settings
from domain.credentials import Scope
from domain.ports.credential_verifier import CredentialVerifier
from domain.services.credential_checker import CredentialChecker

__all__ = ["checker_of"]


def checker_of(
    settings: Settings, *, metrics_scopes: frozenset[Scope] = frozenset()
) -> CredentialChecker:
    """Return a checker that knows every credential.

    It accepts METRICS_KEY too, and grants it `metrics_scopes` alone.
    """
    tokens = JwtTokens(settings.secret_key) if settings.secret_key else None
    metrics_keys = [settings.metrics_key] if settings.metrics_key else []
    verifiers: list[CredentialVerifier] = [
        ApiKeyVerifier(settings.api_keys),
        ApiKeyVerifier(metrics_keys, scopes=metrics_scopes, may_mint=False),
    ]
    if tokens is not None:
        verifiers.append(tokens)
    return CredentialChecker(verifiers, issuer=tokens)
