"""`ai-inference serve`."""

import click

from adapters.cli.wiring import Assembly
from application.settings.settings import Settings

__all__ = ["serve"]


@click.command()
@click.option("--host", metavar="ADDRESS", help="Listen on this address, in place of HOST.")
@click.option("--port", metavar="NUMBER", help="Listen on this port, in place of PORT.")
@click.pass_obj
def serve(assembly: Assembly, host: str | None, port: str | None) -> None:
    """Serve the API until SIGTERM or Ctrl-C.

    \b
    Examples:
      ai-inference serve
      ai-inference serve --host 0.0.0.0 --port 8080
      MODEL_DIRS=/srv/models DEVICE=cuda:1 ai-inference serve
    """
    given = {"HOST": host, "PORT": port}
    changes = {name: value for name, value in given.items() if value is not None}
    Settings.from_env({**assembly.environment, **changes})  # reports all errors before the start
    assembly.serve(changes)
