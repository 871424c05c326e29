"""The options for what has several entries beside the checkpoint: LoRAs, embeddings, ControlNets.

Each of them can be given several times. A LoRA is `NAME:SCALE`, an embedding `NAME:WORD`, and a
ControlNet has `KEY=VALUE`, separated by commas.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from adapters.cli.errors import InputError
from adapters.cli.options import integer, number
from adapters.cli.terminal import plain
from domain.generation.forms.part_fields import PART_FIELDS
from domain.limits import IntegerRange, NumberRange, OneOf

__all__ = ["ENTRIES", "beside_options", "entry_name", "take_entries"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

ENTRIES: Mapping[str, str] = {
    "loras": "--lora",
    "embeddings": "--embedding",
    "controls": "--control",
}
"""The option for one entry of each list."""
_KEYS: Mapping[str, str] = {
    "model": "model_id",
    "image": "image",
    "scale": "scale",
    "start": "start",
    "end": "end",
    "preprocessor": "preprocessor.name",
    "low": "preprocessor.low",
    "high": "preprocessor.high",
    "resize-mode": "resize_mode",
    "mode": "mode",
}
"""The keys of --control, and the field of each."""
_OWN_NAMES = {field: key for key, field in _KEYS.items()} | {"preprocessor": "preprocessor"}
_NEXT_KEY = re.compile(rf",(?=(?:{'|'.join(_KEYS)})=)")
_ENTRY = re.compile(r"([a-z]+)\[([0-9]+)\]\.?(.*)")


def _told(path: str) -> str:
    """Return the allowed values of a field, for the help."""
    limit = PART_FIELDS[path].limit
    if isinstance(limit, IntegerRange | NumberRange):
        return f"{limit.minimum:g}…{limit.maximum:g}"
    return "|".join(limit.words) if isinstance(limit, OneOf) else ""


_MORE_KEYS = {
    key: f"controls[].{field}" for key, field in _KEYS.items() if key not in ("model", "image")
}
_HELP: Mapping[str, tuple[str, str]] = {
    "loras": (
        "NAME[:SCALE]",
        f"A LoRA by any name of a model, and how strongly it works: {_told('loras[].scale')}, 1 if "
        "not given. It can be given several times.",
    ),
    "embeddings": (
        "NAME[:WORD]",
        "A textual inversion by any name of a model, and the word of the prompts that stands for "
        "it: the name of its file if not given. It can be given several times.",
    ),
    "controls": (
        "KEY=VALUE,…",
        "A ControlNet and its picture: model=NAME,image=FILE and, as you need them, "
        + ", ".join(f"{key}={_told(path)}" for key, path in _MORE_KEYS.items())
        + ". start and end are shares of the steps. It can be given several times.",
    ),
}


def beside_options(name: str, command: _Command) -> _Command:
    """Add the option for the entries of the list `name`."""
    metavar, text = _HELP[name]
    return click.option(ENTRIES[name], name, multiple=True, metavar=metavar, help=text)(command)


def take_entries(values: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Take the entries out of the arguments, and return them for `SentParts`.

    A picture is still the path of its file. Raise InputError for an entry that cannot be read.
    """
    found = {}
    for name in ENTRIES:
        given: Sequence[str] = values.pop(name)
        if given:
            found[name] = [_READERS[name](each) for each in given]
    return found


def entry_name(field: str) -> str | None:
    """Return what the terminal calls a field of an entry, such as `--lora 2: scale`.

    None if the field is not one of an entry.
    """
    if (entry := _ENTRY.match(field)) is None or entry[1] not in ENTRIES:
        return ENTRIES.get(field.removesuffix("[]"))
    own = entry[3]
    if own in ("image.id", "image.base64"):
        own = "image"
    option = f"{ENTRIES[entry[1]]} {int(entry[2]) + 1}"
    return f"{option}: {_OWN_NAMES.get(own, own)}" if own else option


def _lora(text: str) -> dict[str, Any]:
    name, _, scale = text.rpartition(":")
    factor = number(scale)
    if not name or isinstance(factor, str):
        return {"model_id": text}
    return {"model_id": name, "scale": factor}


def _embedding(text: str) -> dict[str, Any]:
    name, _, token = text.rpartition(":")
    return {"model_id": name, "token": token} if name and token else {"model_id": text}


def _control(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in _NEXT_KEY.split(text):
        key, equals, value = each.partition("=")
        if not equals or key not in _KEYS:
            raise InputError(
                f"--control is '{plain(text)}': '{plain(each)}' does not begin with one of "
                f"{', '.join(f'{known}=' for known in _KEYS)}"
            )
        within, _, own = _KEYS[key].rpartition(".")
        place = found.setdefault(within, {}) if within else found
        if own in place:
            raise InputError(f"--control is '{plain(text)}': {key}= is there twice")
        place[own] = _typed(f"controls[].{_KEYS[key]}", value)
    return found


def _typed(path: str, text: str) -> Any:
    row = PART_FIELDS[path]
    if row.is_picture:
        return Path(text)
    if isinstance(row.limit, IntegerRange):
        return integer(text)
    return number(text) if isinstance(row.limit, NumberRange) else text


_READERS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "loras": _lora,
    "embeddings": _embedding,
    "controls": _control,
}
