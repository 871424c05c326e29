"""`ai-inference models`."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence

import click

from adapters.cli.options import models_dir_option, settings_for
from adapters.cli.scan_progress import look_through
from adapters.cli.terminal import StatusLine, human_bytes, plain
from adapters.cli.wiring import Assembly
from domain.models.defaults import ModelDefaults
from domain.models.record import SHORT_ID, ModelRecord, PendingModel
from domain.models.settings import ModelSettings
from domain.sizes import Size, SizeLimits

__all__ = ["models"]


_HEADINGS = ("NAME", "KIND", "FAMILY", "SIZE", "ID", "NOTES")
_SHOWN_WORDS = 4
_OBJECTS = (Size, SizeLimits, ModelDefaults, ModelSettings)
_DEFAULTS: Mapping[str, str] = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "scheduler": "scheduler",
    "clip_skip": "clip skip",
}
# The names of GET /v1/models.
_FIELDS = (
    *("id", "name", "size", "path", "extension", "kind", "family", "base", "precision"),
    *(
        "loadable",
        "reason",
        "usable",
        "inputs",
        "scale",
        "rank",
        "trigger_words",
        "aliases",
        "members",
        "schedulers",
        "default_scheduler",
        "prediction_type",
        "defaults",
        "settings",
        "warnings",
        "native_size",
        "sizes",
    ),
    *("description", "sample_prompts", "known_words"),
)


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, with the field names of the API."
)
@models_dir_option
@click.pass_obj
def models(assembly: Assembly, as_json: bool, models_dirs: tuple[str, ...]) -> None:
    """List the models, and say why a model cannot be used.

    \b
    Examples:
      ai-inference models
      ai-inference models --models-dir /srv/models --json
    """
    registry = assembly.core(settings_for(assembly, models_dirs), None).registry
    try:
        look_through(registry, StatusLine(assembly.environment))
    finally:
        registry.close()
    found, pending = registry.models(), registry.pending()
    if as_json:
        document = {
            "models": [_as_the_api(each) for each in found],
            "count": len(found),
            "pending": [dataclasses.asdict(each) for each in pending],
        }
        click.echo(json.dumps(document, indent=2))
    elif not found and not pending:
        click.echo(
            "No models. Put a checkpoint into a folder that MODEL_DIRS names, or let "
            "`ai-inference demo` put a small one there.",
            err=True,
        )
    else:
        for line in _table([_HEADINGS, *_rows(found, pending)]):
            click.echo(line)


def _as_the_api(model: ModelRecord) -> dict[str, object]:
    values = {name: getattr(model, name) for name in _FIELDS}
    values["members"] = [
        {"role": each.role, "id": each.id, "name": each.name} for each in model.members
    ]
    return {
        name: dataclasses.asdict(value) if isinstance(value, _OBJECTS) else value
        for name, value in values.items()
    }


def _rows(
    found: Sequence[ModelRecord], pending: Sequence[PendingModel]
) -> Iterator[tuple[str, ...]]:
    for each in found:
        yield (
            plain(each.name),
            each.kind,
            each.family or "-",
            human_bytes(each.size),
            each.id[:SHORT_ID],
            plain(_note(each, found)),
        )
    for waiting in pending:
        name, size = plain(waiting.name), human_bytes(waiting.size)
        yield (name, "-", "-", size, "-", plain(waiting.reason or "it is not complete yet"))


def _note(model: ModelRecord, found: Sequence[ModelRecord]) -> str:
    """Return why a model cannot be used, the other files of a set, or what it says."""
    if not model.usable:
        return model.reason or ""
    others = dict.fromkeys(each.name for each in model.members if each.path != model.path)
    files = (f"with {', '.join(others)}",) if others else ()
    rank = () if model.rank is None else (f"rank {model.rank}",)
    words = ", ".join(model.trigger_words[:_SHOWN_WORDS])
    triggers = (f"trigger words: {words}",) if words else ()
    return "; ".join((*files, *rank, *triggers, *_defaults(model, found), *model.problems))


def _defaults(model: ModelRecord, found: Sequence[ModelRecord]) -> Iterator[str]:
    """Yield what a model prefers for the options that are left out."""
    for name, value in model.defaults.items():
        if name in _DEFAULTS:
            shown = f"{value:g}" if isinstance(value, float) else value
            yield f"{_DEFAULTS[name]} {shown}"
    vae_id = model.defaults.vae_id
    yield from (f"VAE {each.name}" for each in found if each.id == vae_id)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = _HEADINGS.index("SIZE")
    for row in rows:
        cells = [
            cell.rjust(width) if number == right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
