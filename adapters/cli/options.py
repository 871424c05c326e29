"""Options that several commands have, and types of values that the core judges."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import click

from adapters.cli.wiring import Assembly
from application.settings.settings import Settings

__all__ = ["integer", "models_dir_option", "number", "settings_for", "with_models_dirs"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def integer(text: str) -> int | str:
    """The number, or `text` where it is none: then the request says so, in the API's words."""
    try:
        return int(text)
    except ValueError:
        return text


def number(text: str) -> float | str:
    """As `integer`, for numbers with a point."""
    try:
        return float(text)
    except ValueError:
        return text


def models_dir_option(command: _Command) -> _Command:
    """`--models-dir`, as the argument `models_dirs`."""
    return click.option(
        "--models-dir",
        "models_dirs",
        metavar="FOLDER",
        multiple=True,
        help="A folder with models, in place of MODEL_DIRS; can be given several times.",
    )(command)


def settings_for(assembly: Assembly, models_dirs: tuple[str, ...] = ()) -> Settings:
    """The environment's settings, with these model folders if any. Raises SettingsError."""
    return with_models_dirs(Settings.from_env(assembly.environment), models_dirs)


def with_models_dirs(settings: Settings, models_dirs: tuple[str, ...]) -> Settings:
    """`settings` with these model folders, or as they are where there are none."""
    return dataclasses.replace(settings, model_dirs=models_dirs) if models_dirs else settings
