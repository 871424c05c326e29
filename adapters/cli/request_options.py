"""The options of a request for pictures, made of the table of its fields."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from adapters.cli.beside_options import ENTRIES, beside_options, entry_name, take_entries
from adapters.cli.options import integer, number
from domain.generation.fields import FIELDS, MODEL_NAME, RequestField
from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, PARTS, PartField
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange, NumberRange
from domain.samplers import SCHEDULER_NAMES

__all__ = ["option_name", "request_options", "sent_values"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_NAMES: Mapping[str, str] = {
    "prompt": "PROMPT",
    "negative_prompt": "--negative",
    "num_inference_steps": "--steps",
    "guidance_scale": "--guidance",
    "num_images": "--number",
    "init_image": "--image",
    "mask_image": "--mask",
    "image_guidance_scale": "--image-guidance",
    "second_pass.num_inference_steps": "--second-pass-steps",
    "upscale.model_id": "--upscaler",
    "upscale.scale": "--upscale",
    "vae_id": "--vae",
}
"""What the terminal calls a field, where that is not the field's own name."""
_NO_OPTIONS = frozenset({"id", "model_id", "prompt"})
"""An id is nothing here, a model is found by its name, and the prompt is the argument."""
_SIDE: Mapping[str, Any] = {"default": None, "show_default": "512, or that of --image"}
_MORE: Mapping[str, Mapping[str, Any]] = {
    "num_inference_steps": {"show_default": "that of the model, or DEFAULT_INFERENCE_STEPS"},
    "guidance_scale": {"show_default": "that of the model, or DEFAULT_GUIDANCE_SCALE"},
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
    "width": _SIDE,
    "height": {**_SIDE, "help": "Pixels; the same rules as for --width."},
    "init_image": {
        "help": "A picture to start from: a PNG, JPEG or WebP file. Without --width and --height "
        "the result has its size, scaled to fit the model, in multiples of 8."
    },
    "resize_mode": {
        "help": "How --image and --mask get the requested size: stretch changes the proportions, "
        "crop cuts off what is too much, pad repeats the pixels of the edge."
    },
    "mask_image": {
        "help": "A picture of the part of --image to draw again: white and transparent is drawn, "
        "black stays, grey mixes."
    },
    "image_guidance_scale": {
        "help": "How closely to keep --image, for models with eight channels (instruct-pix2pix) "
        "alone."
    },
    "noise_multiplier": {
        "help": "The factor of the noise that is added to --image: less than 1 gives smoother "
        "pictures, and more than 1 gives more detail."
    },
    "second_pass.num_inference_steps": {
        "help": "The number of denoising steps; as for the first pass if not given.",
    },
    "upscale.model_id": {
        "help": "An upscaler model that enlarges the finished picture, by any of its names.",
    },
    "vae_id": {"metavar": "NAME"},
    "upscale.scale": {
        "help": "The factor of --upscaler; that of the model if not given. The result has at most "
        "64 megapixels."
    },
}
"""What the terminal says otherwise of a field."""


def option_name(field: str) -> str:
    """What the terminal calls a field of a request."""
    if (entry := entry_name(field)) is not None:
        return entry
    picture, _, member = field.rpartition(".")
    if member in ("id", "base64"):  # of a picture, which is a file here
        field = picture
    return _NAMES.get(field, f"--{field.replace('_', '-').replace('.', '-')}")


def request_options(command: _Command) -> _Command:
    """An option for each field of a request; one that is not given is None, or its default.

    The core judges the values, in the API's words. `sent_values` collects those of the parts.
    """
    flag = click.option("--second-pass", is_flag=True, help=OBJECTS["second_pass"].meaning)
    for name, part in reversed([*PARTS.items()]):
        if name in ENTRIES:
            command = beside_options(name, command)
            continue
        inside = [part] if isinstance(part, PartField) else [*part.members.values()]
        for each in reversed(inside):
            if isinstance(each, PartField):
                option = click.option(
                    option_name(each.name), argument_of(each.name), **_described_part(each)
                )
                command = option(command)
        command = flag(command) if name == "second_pass" else command
    for name, row in reversed([*FIELDS.items()]):
        if name not in _NO_OPTIONS:
            command = click.option(option_name(name), name, **_described(row))(command)
    return command


def argument_of(field: str) -> str:
    """The name of the argument that has the value of a field."""
    return field.replace(".", "_")


def sent_values(values: dict[str, Any]) -> dict[str, Any]:
    """Take the values of the parts out of the arguments, and return them for `SentParts`.

    A picture is still the path of its file. Raise InputError for an entry that cannot be read.
    """
    found: dict[str, Any] = {"second_pass": {}} if values.pop("second_pass") else {}
    found |= take_entries(values)
    for name in PART_FIELDS:
        if "[]" in name:
            continue
        value = values.pop(argument_of(name))
        if value is None:
            continue
        within, _, own = name.rpartition(".")
        (found.setdefault(within, {}) if within else found)[own] = value
    return found


def _described_part(row: PartField) -> dict[str, Any]:
    told: dict[str, Any] = {"help": row.plain_meaning, "default": None}
    if row.is_picture:
        told["type"] = click.Path(path_type=Path)
        told["metavar"] = "FILE"
    elif isinstance(row.limit, IntegerRange | NumberRange):
        told["type"] = integer if isinstance(row.limit, IntegerRange) else number
    else:
        told["metavar"] = "NAME" if row.limit is MODEL_NAME else "WORD"
    if row.default is not None:
        told["show_default"] = str(row.default)
    return {**told, **_MORE.get(row.name, {})}


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
