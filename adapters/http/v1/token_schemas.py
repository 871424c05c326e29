"""The schemas of tokens and of requests for them."""

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema, Computed
from adapters.http.generation.fields import LimitedInteger, LimitedString
from adapters.http.generation.schemas import RequestSchema
from domain.credentials import SCOPE_TEXT, AccessToken, Scope, join_scopes, scope_problem
from domain.services.credential_checker import CredentialChecker

__all__ = ["TokenRequestSchema", "TokenSchema"]

_SCOPES = "^({0})?( ({0}))*$".format("|".join(Scope))


def _scope(token: AccessToken) -> str:
    return join_scopes(token.scopes)


class TokenRequestSchema(RequestSchema):
    """What the token can do, and for how long. Both fields are optional."""

    expires_in = LimitedInteger(
        CredentialChecker.EXPIRES_IN,
        metadata={
            "description": "How long the token is valid, in seconds.",
            "default": CredentialChecker.DEFAULT_EXPIRES_IN,
        },
    )
    scope = LimitedString(
        SCOPE_TEXT,
        scope_problem,
        metadata={
            "description": "Scopes, separated by spaces (RFC 8693); all scopes if left out.",
            "pattern": _SCOPES,
        },
    )


class TokenSchema(AnswerSchema):
    """A token. The field names are those of RFC 6749, section 5.1."""

    access_token = fields.String(attribute="token")
    token_type = fields.Constant("Bearer", metadata={"const": "Bearer"})
    expires_in = fields.Integer()
    scope = Computed(_scope, fields.String())
