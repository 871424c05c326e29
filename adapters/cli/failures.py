"""How a command ends that could not do what it was asked."""

import click

__all__ = ["INTERRUPTED", "Failure", "Misuse"]

INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended: 128 and the number of SIGINT."""


class Failure(click.ClickException):
    """It was asked well and did not succeed."""

    exit_code = 1


class Misuse(click.ClickException):
    """An argument, or a setting, is wrong."""

    exit_code = 2
