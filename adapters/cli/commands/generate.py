"""`ai-inference generate`."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from adapters.cli.errors import InputError
from adapters.cli.interrupts import kept_interrupts
from adapters.cli.model_choice import choose_model
from adapters.cli.options import models_dir_option, settings_for
from adapters.cli.picture_files import ENDINGS, destinations, format_of, save
from adapters.cli.request_options import option_name, request_options
from adapters.cli.scan_progress import look_through
from adapters.cli.terminal import StatusLine, StepBar, human_seconds, plain
from adapters.cli.wiring import Assembly
from application.settings.settings import Settings
from domain.errors import InvalidRequest
from domain.generation.request import GenerationRequest, GenerationResult
from domain.models.record import SHORT_ID, ModelRecord
from domain.services.drawing_watchers import GenerationStep

__all__ = ["generate"]

_ANY_MODEL = "0" * 64


@click.command()
@click.argument("prompt")
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path),
    show_default="picture.png",
    help="The file to write; its ending names the format. Several pictures are picture-1.png, …",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@click.option("--model", metavar="NAME|ID", help="The file name, path, id or alias of a model.")
@request_options
@models_dir_option
@click.pass_obj
def generate(
    assembly: Assembly,
    /,
    output: Path | None,
    output_format: str | None,
    force: bool,
    model: str | None,
    models_dirs: tuple[str, ...],
    **values: Any,
) -> None:
    """Draw PROMPT without a server.

    Standard output has a line for each picture, with its seed. After Ctrl-C no picture is left
    behind. The defaults are those of the service: DEFAULT_MODEL or else the first model by path,
    DEFAULT_INFERENCE_STEPS and DEFAULT_GUIDANCE_SCALE.

    \b
    Examples:
      ai-inference generate "a red circle" -o circle.png
      ai-inference generate "a lake at night" --seed 7 --steps 20 --number 4 -o lake.png
      ai-inference generate "a hill" --negative "trees, snow" --model demo.safetensors
      ai-inference generate "a hill" --scheduler "Euler a" --quality 80 -o hill.jpg
    """
    settings = settings_for(assembly, models_dirs)
    output = output or _usual_file(output_format)
    values["output_format"] = output_format or format_of(output)
    request = _request(settings, values)
    if format_of(output) is not request.output_format:
        raise InputError(
            f"--output is '{plain(str(output))}', which is not a name for a "
            f"{request.output_format}; leave --output-format out, or give the name that ending"
        )
    paths = destinations(output, request.num_images, force=force)
    with kept_interrupts() as interrupted:
        result = _draw(assembly, settings, request, model, interrupted)
        interrupted()
    for image, path in zip(result.images, paths, strict=True):
        save(image, path, force=force)
    for image, path in zip(result.images, paths, strict=True):
        click.echo(f"{plain(str(path))}  {image.width}x{image.height}  seed {image.seed}")
    for warning in result.warnings:
        click.echo(f"warning: {plain(warning)}", err=True)
    click.echo(f"Drawn in {human_seconds(result.processing_time)}", err=True)


def _usual_file(output_format: str | None) -> Path:
    endings = (ending for ending, each in ENDINGS.items() if each == output_format)
    return Path("picture").with_suffix(next(endings, ".png"))


def _request(settings: Settings, values: dict[str, Any]) -> GenerationRequest:
    """The request for a model that is yet to be found. Raises InputError, in the API's words."""
    defaults = {
        "num_inference_steps": settings.default_inference_steps,
        "guidance_scale": settings.default_guidance_scale,
    }
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return GenerationRequest(id="cli", model_id=_ANY_MODEL, **(defaults | given))
    except InvalidRequest as error:
        raise _input_error(error) from None


def _input_error(error: InvalidRequest) -> InputError:
    return InputError(
        "\n".join(f"{option_name(row.field)} {row.message}" for row in error.problems)
    )


def _draw(
    assembly: Assembly,
    settings: Settings,
    request: GenerationRequest,
    wanted: str | None,
    interrupted: Callable[[], None],
) -> GenerationResult:
    core = assembly.core(settings, wanted or settings.default_model)
    line = StatusLine(assembly.environment)
    bar = StepBar(line)

    def on_step(step: GenerationStep) -> None:
        interrupted()
        bar(step.done, step.total)

    try:
        look_through(core.registry, line, wanted)
        model = choose_model(core.registry, wanted)
        line.note(f"Drawing with {_called(model)}")
        line.show("getting ready")
        return core.generate_images(
            dataclasses.replace(request, model_id=model.id), on_step=on_step
        )
    except InvalidRequest as error:  # of what this model cannot do
        raise _input_error(error) from None
    finally:
        line.clear()
        core.registry.close()


def _called(model: ModelRecord) -> str:
    return f"{plain(model.name)} ({model.family or model.kind}, {model.id[:SHORT_ID]})"
