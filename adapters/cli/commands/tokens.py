"""`ai-inference token`."""

import click

from adapters.cli.errors import InputError
from adapters.cli.options import integer
from adapters.cli.wiring import Assembly
from application.settings.settings import Settings
from domain.credentials import Principal, Scope, join_scopes
from domain.errors import InvalidRequest, Unauthenticated
from domain.limits import TextLength
from domain.services.credential_checker import CredentialChecker

__all__ = ["token"]

_SUBJECT = TextLength(1, 200)
_OPTIONS = {"expires_in": "--expires-in", "scope": "--scope"}


@click.command()
@click.option(
    "--subject", metavar="NAME", required=True, help="The subject of the token; it owns the jobs."
)
@click.option(
    "--scope",
    metavar="SCOPES",
    default=join_scopes(Scope),
    show_default=True,
    help="The scopes of the token, separated by blanks.",
)
@click.option(
    "--expires-in",
    metavar="SECONDS",
    type=integer,
    default=CredentialChecker.DEFAULT_EXPIRES_IN,
    show_default=True,
    help="How long the token is valid.",
)
@click.pass_obj
def token(assembly: Assembly, subject: str, scope: str, expires_in: int) -> None:
    """Print a token (JWT) that is signed with SECRET_KEY.

    The service must run with the same SECRET_KEY.

    \b
    Examples:
      ai-inference token --subject alice
      ai-inference token --subject page --scope "models:read" --expires-in 600
    """
    settings = Settings.from_env(assembly.environment)
    if message := _SUBJECT.problem(subject):
        raise InputError(f"--subject {message}")
    checker = assembly.core(settings, None).credential_checker
    holder = Principal(name=subject, scopes=frozenset(Scope), may_mint=True)
    try:
        minted = checker.mint(holder, expires_in=expires_in, scope=scope)
        checker(minted.token)
    except InvalidRequest as error:
        rows = [f"{_OPTIONS[row.field]} {row.message}" for row in error.problems]
        raise InputError("\n".join(rows)) from None
    except Unauthenticated:
        raise InputError(f"the service would not take a token for {subject!a}") from None
    if weakness := settings.secret_key_weakness:
        click.echo(f"warning: SECRET_KEY is weak: {weakness}", err=True)
    click.echo(minted.token)
