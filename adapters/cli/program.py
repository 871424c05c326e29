"""`ai-inference`: all commands, and how each of them ends."""

import sys
from typing import NoReturn

import click

from adapters.cli.commands.demo import demo
from adapters.cli.commands.doctor import doctor
from adapters.cli.commands.generate import generate
from adapters.cli.commands.keys import keys
from adapters.cli.commands.models import models
from adapters.cli.commands.serve import serve
from adapters.cli.commands.tokens import token
from adapters.cli.commands.upscale import upscale
from adapters.cli.errors import INTERRUPTED, InputError, error_of
from adapters.cli.output import OutputLost
from adapters.cli.wiring import Assembly
from application.settings.settings import SettingsError
from application.version import NAME, VERSION
from domain.errors import DomainError

__all__ = ["program", "run"]


class _Program(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except SettingsError as error:
            raise InputError(str(error)) from None
        except DomainError as error:
            raise error_of(error) from None


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name=NAME, message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Stable Diffusion: draw a picture here, or serve an API that does.

    \b
    Examples:
      ai-inference generate "a red circle" -o circle.png
      ai-inference upscale circle.png -o large.png
      ai-inference serve --port 8080
      ai-inference doctor

    Settings come from the environment: MODEL_DIRS, DEVICE, API_KEYS and the others that
    docs/settings.md lists. It exits with 0 when all went well, 1 when something failed, 2 when an
    argument or a setting is wrong, and 130 after Ctrl-C.
    """
    assembly: Assembly = ctx.obj
    if assembly.environment.get("NO_COLOR"):  # https://no-color.org
        ctx.color = False


for _command in (serve, generate, upscale, models, demo, token, keys, doctor):
    program.add_command(_command)


def run(assembly: Assembly, name: str) -> NoReturn:
    """Run the command that the process's arguments name, and end the process.

    If standard output cannot be written to, the command ends with 1, and says so on standard
    error. It says nothing where the reader of the output has closed it.
    """
    try:
        program.main(prog_name=name, obj=assembly)
    except OutputLost as error:
        click.echo(f"Error: standard output cannot be written to: {error.strerror}", err=True)
        sys.exit(1)
