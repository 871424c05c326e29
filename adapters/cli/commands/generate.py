"""`ai-inference generate`."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from adapters.cli.errors import InputError
from adapters.cli.interrupts import kept_interrupts
from adapters.cli.model_choice import choose_model, missing_beside
from adapters.cli.options import models_dir_option, settings_for
from adapters.cli.picture_files import ENDINGS, destinations, format_of, save
from adapters.cli.request_options import option_name, request_options, sent_values
from adapters.cli.scan_progress import look_through
from adapters.cli.sent_pictures import read_picture
from adapters.cli.terminal import StatusLine, StepBar, human_seconds, plain
from adapters.cli.wiring import Assembly, Core
from application.model_choice import ModelChoice
from application.parts import BuildParts, FillDefaults, SentParts
from application.parts.checking import sent_problems
from application.settings.settings import Settings
from domain.errors import FieldProblem, InvalidRequest, ModelNotFound
from domain.generation.request import GenerationRequest, GenerationResult
from domain.models.record import SHORT_ID, ModelRecord
from domain.services.drawing_watchers import GenerationStep

__all__ = ["generate"]

_ANY_MODEL = "0" * 64
_CALLER = "cli"
_FIELD_WORDS = re.compile(r"\b(?:(?:init|mask)_image\b|(?:loras|embeddings|controls)\[[0-9]+\])")


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
    behind. The defaults are those of the service: DEFAULT_MODEL or else the first model by path.
    The steps and the guidance are those of the model, if it has its own, or else
    DEFAULT_INFERENCE_STEPS and DEFAULT_GUIDANCE_SCALE.

    \b
    Examples:
      ai-inference generate "a red circle" -o circle.png
      ai-inference generate "a lake at night" --seed 7 --steps 20 --number 4 -o lake.png
      ai-inference generate "a hill" --negative "trees, snow" --model demo.safetensors
      ai-inference generate "a hill" --scheduler "Euler a" --quality 80 -o hill.jpg
      ai-inference generate "a lake at night" --image lake.png --strength 0.6 -o night.png
      ai-inference generate "a red boat" --image lake.png --mask boat.png -o boat-2.png
      ai-inference generate "a castle" --second-pass --upscaler NAME -o large.png
      ai-inference generate "a castle" --lora NAME:0.8 --embedding NAME --vae NAME
      ai-inference generate "a (red:1.3) castle" --prompt-syntax weighted --clip-skip 2
      ai-inference generate "a castle" --control model=NAME,image=lake.png,preprocessor=canny
    """
    settings = settings_for(assembly, models_dirs)
    output = output or _usual_file(output_format)
    values["output_format"] = output_format or format_of(output)
    sent = _with_pictures(sent_values(values), settings)
    given = {name: value for name, value in values.items() if value is not None}
    request, parts = _request(given, sent)
    if format_of(output) is not request.output_format:
        raise InputError(
            f"--output is '{plain(str(output))}', which is not a name for a "
            f"{request.output_format}; leave --output-format out, or give the name that ending"
        )
    paths = destinations(output, request.num_images, force=force)
    with kept_interrupts() as interrupted:
        result = _draw(assembly, settings, _Asked(request, given, parts), model, interrupted)
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for a model that is not found yet.

    Attributes:
        request: The request without its parts.
        given: The fields that were given.
        parts: The parts.
    """

    request: GenerationRequest
    given: Mapping[str, Any]
    parts: SentParts


def _with_pictures(values: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the values with the pictures of the files that they name. Raises InputError."""

    def read(value: Any, name: str) -> Any:
        if isinstance(value, Path):
            most = settings.max_picture_bytes
            return read_picture(value, option=option_name(name), max_bytes=most)
        if isinstance(value, list):
            return [read(each, f"{name}[{number}]") for number, each in enumerate(value)]
        if isinstance(value, dict):
            return {own: read(each, f"{name}.{own}") for own, each in value.items()}
        return value

    return {name: read(value, name) for name, value in values.items()}


def _request(
    given: Mapping[str, Any], sent: Mapping[str, Any]
) -> tuple[GenerationRequest, SentParts]:
    """The request for a model that is yet to be found. Raises InputError, in the API's words."""
    problems = sent_problems(sent)
    try:
        request = GenerationRequest(id="cli", model_id=_ANY_MODEL, **given)
    except InvalidRequest as error:
        raise _input_error(InvalidRequest([*error.problems, *problems])) from None
    if problems:
        raise _input_error(InvalidRequest(problems))
    return request, SentParts(sent)


def _input_error(error: InvalidRequest) -> InputError:
    return InputError(
        "\n".join(f"{option_name(row.field)} {_in_options(row)}" for row in error.problems)
    )


def _in_options(row: FieldProblem) -> str:
    """Return a message of the core with the options for the field itself and for the pictures."""
    message = row.message.replace(f"leave {row.field} out", f"leave {option_name(row.field)} out")
    return _FIELD_WORDS.sub(lambda found: option_name(found[0]), message)


def _draw(
    assembly: Assembly,
    settings: Settings,
    asked: _Asked,
    wanted: str | None,
    interrupted: Callable[[], None],
) -> GenerationResult:
    # A request with several models needs the whole list, and so do settings that may name a VAE.
    is_whole = bool(asked.parts.models or settings.model_settings)
    only = None if is_whole else wanted or settings.default_model
    core = assembly.core(settings, only)
    line = StatusLine(assembly.environment)
    bar = StepBar(line)

    def on_step(step: GenerationStep) -> None:
        interrupted()
        bar(step.done, step.total)

    try:
        look_through(core.registry, line, wanted)
        if only is not None and _lacks_vae(core):  # a VAE of another folder may suit
            core.registry.close()
            core = assembly.core(settings, None)
            look_through(core.registry, line, wanted)
        model = choose_model(core.registry, wanted)
        line.note(f"Drawing with {_called(model)}")
        line.show("getting ready")
        return core.generate_images(_complete(core, settings, asked, model), on_step=on_step)
    except InvalidRequest as error:  # of what this model cannot do
        raise _input_error(error) from None
    except ModelNotFound as error:
        if not error.field:
            raise
        raise missing_beside(core.registry, error, option_name(error.field)) from None
    finally:
        line.clear()
        core.registry.close()


def _lacks_vae(core: Core) -> bool:
    return any(each.lacks_vae and not each.loadable for each in core.registry.models())


def _complete(
    core: Core, settings: Settings, asked: _Asked, model: ModelRecord
) -> GenerationRequest:
    """Return the request for this model, with its parts and defaults. Raises InvalidRequest."""
    choose = ModelChoice(core.registry, None)
    build = BuildParts(core.pictures, choose)
    built = build(asked.parts, asked.given, caller=_CALLER, job_id=None, model_id=model.id)
    fill = FillDefaults(
        choose,
        steps=settings.default_inference_steps,
        guidance=settings.default_guidance_scale,
    )
    given = {**asked.given, **built.values}
    filled = fill(given, model_id=model.id, caller=_CALLER, job_id=None)
    values = {**built.values, **filled.values}
    request = dataclasses.replace(asked.request, model_id=model.id, **values)
    build.keep(built, caller=_CALLER)
    return request


def _called(model: ModelRecord) -> str:
    return f"{plain(model.name)} ({model.family or model.kind}, {model.id[:SHORT_ID]})"
