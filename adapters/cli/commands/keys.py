"""`ai-inference keys`."""

import secrets

import click

__all__ = ["keys"]

_BYTES = 32


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
def new() -> None:
    """Print a new API key.

    The key goes to standard output, how to use it to standard error. It is kept nowhere.

    \b
    Examples:
      ai-inference keys new
      API_KEYS=$(ai-inference keys new) ai-inference serve
    """
    key = secrets.token_urlsafe(_BYTES)
    click.echo(key)
    click.echo(
        f"\nFor the service's environment (behind a comma where there are keys already):\n"
        f"API_KEYS={key}",
        err=True,
    )
