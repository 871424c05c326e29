"""The options of a request for pictures, made of the table of its fields."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from adapters.cli.options import integer, number
from domain.generation.fields import FIELDS, RequestField
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange, NumberRange
from domain.samplers import SCHEDULER_NAMES

__all__ = ["option_name", "request_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_NAMES: Mapping[str, str] = {
    "prompt": "PROMPT",
    "negative_prompt": "--negative",
    "num_inference_steps": "--steps",
    "guidance_scale": "--guidance",
    "num_images": "--number",
}
"""What the terminal calls a field, where that is not the field's own name."""
_NO_OPTIONS = frozenset({"id", "model_id", "prompt"})
"""An id is nothing here, a model is found by its name, and the prompt is the argument."""
_MORE: Mapping[str, Mapping[str, Any]] = {
    "num_inference_steps": {"show_default": "DEFAULT_INFERENCE_STEPS"},
    "guidance_scale": {"show_default": "DEFAULT_GUIDANCE_SCALE"},
    "height": {"help": "Pixels; the same rules as for --width."},
    "scheduler": {
        "metavar": "NAME",
        "help": f"The scheduler: {SCHEDULER_NAMES}. The default of the model if not given.",
    },
    "output_format": {
        "metavar": "FORMAT",
        "default": None,
        "show_default": False,
        "help": f"The format: {', '.join(OutputFormat)}; the ending of the file names it if not "
        "given.",
    },
    "quality": {"show_default": str(DEFAULT_QUALITY)},
}
"""What the terminal says otherwise of a field."""


def option_name(field: str) -> str:
    """What the terminal calls a field of a request."""
    return _NAMES.get(field, f"--{field.replace('_', '-')}")


def request_options(command: _Command) -> _Command:
    """An option for each field of a request; one that is not given is None, or its default.

    The core judges the values, in the API's words.
    """
    for name, row in reversed([*FIELDS.items()]):
        if name not in _NO_OPTIONS:
            command = click.option(option_name(name), name, **_described(row))(command)
    return command


def _described(row: RequestField) -> dict[str, Any]:
    default = _DEFAULTS[row.name]
    told: dict[str, Any] = {"help": row.plain_meaning}
    if isinstance(row.limit, IntegerRange | NumberRange):
        told["type"] = integer if isinstance(row.limit, IntegerRange) else number
    else:
        told["metavar"] = "TEXT"
    if default is not None and "show_default" not in _MORE.get(row.name, {}):
        told |= {"default": default, "show_default": True}
    return {**told, **_MORE.get(row.name, {})}


_DEFAULTS = {each.name: each.default for each in dataclasses.fields(GenerationRequest)}
