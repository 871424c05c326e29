"""`ai-inference upscale`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from adapters.cli.errors import InputError
from adapters.cli.interrupts import kept_interrupts
from adapters.cli.model_choice import choose_upscaler
from adapters.cli.options import models_dir_option, settings_for
from adapters.cli.picture_files import ENDINGS, destinations, format_of, save
from adapters.cli.scan_progress import look_through
from adapters.cli.sent_pictures import read_picture
from adapters.cli.terminal import StatusLine, StepBar, human_seconds, plain
from adapters.cli.wiring import Assembly
from application.settings.settings import Settings
from domain.errors import FieldProblem, InvalidRequest, UnreadablePicture
from domain.generation.upscale_request import (
    LANCZOS,
    UpscaleRequest,
    UpscaleResult,
    upscale_problems,
)
from domain.services.drawing_watchers import GenerationStep

__all__ = ["upscale"]

_CALLER = "cli"
_OPTIONS = {"model_id": "--model", "image": "PICTURE"}


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path),
    show_default="<picture>-large.png",
    help=f"The file to write; its ending names the format: {', '.join(ENDINGS)}.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option(
    "--model",
    metavar="NAME|ID",
    show_default=f"the first upscaler by path, else {LANCZOS}",
    help=f"The file name, path, id or alias of an upscaler, or {LANCZOS}.",
)
@click.option(
    "--scale", type=float, show_default="the model's own", help="The factor of both sides, 1 to 8."
)
@click.option("--quality", type=int, help="The quality of a JPEG or WebP, 1 to 100.")
@models_dir_option
@click.pass_obj
def upscale(
    assembly: Assembly,
    /,
    picture: Path,
    output: Path | None,
    force: bool,
    model: str | None,
    scale: float | None,
    quality: int | None,
    models_dirs: tuple[str, ...],
) -> None:
    """Enlarge PICTURE without a server.

    \b
    Examples:
      ai-inference upscale circle.png
      ai-inference upscale circle.png --model demo-2x.safetensors -o large.png
      ai-inference upscale photo.jpg --model lanczos --scale 1.5 -o larger.jpg --quality 90
    """
    settings = settings_for(assembly, models_dirs)
    output = output or picture.with_name(f"{picture.stem}-large.png")
    values = {"scale": scale, "quality": quality, "output_format": format_of(output)}
    _refuse(upscale_problems(values))
    data = read_picture(picture, option="PICTURE", max_bytes=settings.max_picture_bytes).data
    (path,) = destinations(output, 1, force=force)
    with kept_interrupts() as interrupted:
        result = _enlarged(assembly, settings, data or b"", values, model, interrupted)
        interrupted()
    (image,) = result.images
    save(image, path, force=force)
    click.echo(f"{plain(str(path))}  {image.width}x{image.height}")
    for warning in result.warnings:
        click.echo(f"warning: {plain(warning)}", err=True)
    click.echo(f"Enlarged in {human_seconds(result.processing_time)}", err=True)


def _enlarged(
    assembly: Assembly,
    settings: Settings,
    data: bytes,
    values: Mapping[str, Any],
    wanted: str | None,
    interrupted: Callable[[], None],
) -> UpscaleResult:
    core = assembly.core(settings, None)
    line = StatusLine(assembly.environment)
    bar = StepBar(line)

    def on_step(step: GenerationStep) -> None:
        interrupted()
        bar(step.done, step.total)

    try:
        ref = core.pictures.keep(_CALLER, data).ref
        if wanted is None or wanted.lower() != LANCZOS:
            look_through(core.registry, line, wanted)
        model_id, name = choose_upscaler(core.registry, wanted)
        line.note(f"Enlarging with {name}")
        line.show("getting ready")
        request = UpscaleRequest(id="cli", model_id=model_id, image=ref, **values)
        return core.generate_images(request, on_step=on_step)
    except UnreadablePicture as error:
        raise InputError(f"PICTURE {error.what}; name another file") from None
    except InvalidRequest as error:
        _refuse(error.problems)
        raise
    finally:
        line.clear()
        core.registry.close()


def _refuse(problems: Sequence[FieldProblem]) -> None:
    """Raise InputError if there are problems, with the names of the options."""
    if problems:
        rows = (f"{_OPTIONS.get(row.field, f'--{row.field}')} {row.message}" for row in problems)
        raise InputError("\n".join(rows))
