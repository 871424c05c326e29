"""`ai-inference demo`."""

import click

from adapters.cli.errors import CommandError
from adapters.cli.options import settings_for
from adapters.cli.terminal import plain
from adapters.cli.wiring import Assembly

__all__ = ["demo"]


@click.command()
@click.option(
    "--models-dir",
    "folder",
    metavar="FOLDER",
    help="The folder for the model, in place of the first folder of MODEL_DIRS.",
)
@click.pass_obj
def demo(assembly: Assembly, folder: str | None) -> None:
    """Copy the demo model into a model folder, so that there is a model to draw with.

    The model comes with the program, so nothing is downloaded. It is small (16 MB), and draws only
    landscapes and plain shapes. Its companions come with it (7 MB): an upscaler, a LoRA, an
    embedding and a ControlNet. Standard output has the path of the file.

    \b
    Examples:
      ai-inference demo
      ai-inference demo --models-dir /srv/models
    """
    settings = settings_for(assembly)
    folder = folder or settings.model_dirs[0]
    try:
        path = assembly.put_demo(folder)
    except FileNotFoundError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"nothing can be written to '{plain(folder)}': {reason}") from None
    click.echo(plain(path))
