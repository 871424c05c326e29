"""The route that makes tokens for callers with an API key."""

from http import HTTPStatus
from typing import Any

from flask import request

from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.v1.token_schemas import TokenRequestSchema, TokenSchema
from domain.credentials import AccessToken, Scope
from domain.errors import TokenMintingForbidden, TokensUnavailable
from domain.services.credential_checker import CredentialChecker

__all__ = ["tokens_blueprint"]


def tokens_blueprint(checker: CredentialChecker) -> Blueprint:
    """`/v1/tokens`."""
    blueprint = Blueprint("tokens", __name__, url_prefix="/v1", description="Make tokens.")
    protect(blueprint, checker)

    @blueprint.before_request
    def refuse_tokens() -> None:
        """Refuse a caller without the right to make tokens, before the body is read."""
        if request.method != "OPTIONS":
            checker.require_minting(current_principal())

    @blueprint.post("/tokens")
    @blueprint.raises(TokenMintingForbidden, TokensUnavailable)
    @blueprint.arguments(
        TokenRequestSchema,
        required=False,
        example={"expires_in": 600, "scope": Scope.INFERENCE_RUN.value},
    )
    @blueprint.response(
        HTTPStatus.CREATED,
        TokenSchema,
        description="The token.",
        headers=response_headers("Cache-Control"),
    )
    def mint(fields: dict[str, Any]) -> tuple[AccessToken, dict[str, str]]:
        """Make a token, with an API key.

        The body is optional.
        """
        return checker.mint(current_principal(), **fields), {"Cache-Control": "no-store"}

    return blueprint
