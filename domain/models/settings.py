"""What the operator says of models, and no header tells: a table for each model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from domain.limits import Limit, OneOf, TextLength
from domain.models.card import LONGEST_DESCRIPTION
from domain.models.defaults import DEFAULTS_LIMITS
from domain.models.training import Prediction
from domain.samplers import Scheduler

__all__ = [
    "MOST_ALIASES",
    "MOST_TABLES",
    "SETTINGS",
    "ModelSettings",
    "WrongSettings",
    "settings_of",
]

MOST_TABLES = 1000
MOST_ALIASES = 20
_MOST_PROBLEMS = 20
"""The most problems that a message lists."""
_NAME = TextLength(1, 4096)
_TRUTH = "zero_terminal_snr"
_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "prediction_type": OneOf(tuple(Prediction)),
        **DEFAULTS_LIMITS,
        "vae": _NAME,
        "description": TextLength(1, LONGEST_DESCRIPTION),
    }
)


class WrongSettings(ValueError):
    """The tables are wrong. `problems` has a sentence for each wrong value."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """The settings of one model. Each is None, or empty, if the operator does not say.

    Attributes:
        name: The name of the table: any name of the model, or its id.
        prediction_type: What the network predicts, whatever the files of the model say.
        zero_terminal_snr: Whether its noise ends in pure noise.
        num_inference_steps: As in `ModelDefaults`.
        guidance_scale: As in `ModelDefaults`.
        scheduler: As in `ModelDefaults`.
        clip_skip: As in `ModelDefaults`.
        vae: A name of the VAE that draws in place of the VAE in the file.
        aliases: More names of the model.
        description: What it draws, in a sentence.

    Raises:
        WrongSettings: A value is outside its limit.
    """

    name: str
    prediction_type: Prediction | None = None
    zero_terminal_snr: bool | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: Scheduler | None = None
    clip_skip: int | None = None
    vae: str | None = None
    aliases: tuple[str, ...] = ()
    description: str | None = None

    def __post_init__(self) -> None:
        if problems := [*_problems(self.name, dict(self.items()))]:
            raise WrongSettings(problems)
        if self.scheduler is not None:
            object.__setattr__(self, "scheduler", Scheduler(self.scheduler))
        if self.prediction_type is not None:
            object.__setattr__(self, "prediction_type", Prediction(self.prediction_type))

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each setting that the operator gave."""
        for name in SETTINGS:
            if (value := getattr(self, name)) not in (None, ()):
                yield name, value


SETTINGS = tuple(each.name for each in fields(ModelSettings) if each.name != "name")
"""The names of all settings."""


def settings_of(document: Mapping[str, object]) -> tuple[ModelSettings, ...]:
    """Return the settings in a document of tables, in the order of the document.

    Args:
        document: The settings by the name of the model, as a TOML file has them.

    Raises:
        WrongSettings: A table or a value is wrong, two models have one alias, or there are too many
            tables. The error names everything.
    """
    if len(document) > MOST_TABLES:
        raise WrongSettings([f"there are {len(document)} tables; at most {MOST_TABLES} are read"])
    problems: list[str] = []
    for name, table in document.items():
        problems += _problems(name, table)
    problems = problems or _shared_aliases(document)
    if (more := len(problems) - _MOST_PROBLEMS) > 0:
        problems[_MOST_PROBLEMS:] = [f"and {more} more"]
    if problems:
        raise WrongSettings(problems)
    return tuple(_built(name, table) for name, table in document.items())


def _built(name: str, table: Any) -> ModelSettings:
    aliases = tuple(table.get("aliases", ()))
    return ModelSettings(**{**table, "name": name, "aliases": aliases})


def _problems(name: str, table: object) -> Iterator[str]:
    """Yield what is wrong with a table."""
    where = f"[{_shown(name)}]"
    if (message := _NAME.problem(name)) is not None:
        yield f"{where} is not a name: it {message}"
    if not isinstance(table, Mapping):
        yield f"{where} is not a table of settings; begin a table with the name in brackets"
        return
    for key, value in table.items():
        if key == "aliases":
            yield from (f"{where} {message}" for message in _wrong_aliases(value))
        elif key == _TRUTH:
            if not isinstance(value, bool):
                yield f"{where} {key} must be true or false"
        elif key not in _LIMITS:
            yield f"{where} {_shown(key)} is not a setting; the settings are {', '.join(SETTINGS)}"
        elif (message := _LIMITS[key].problem(value)) is not None:
            yield f"{where} {key} {message}"
        elif isinstance(value, str) and not value.strip():
            yield f"{where} {key} is blank; leave it out"


def _wrong_aliases(value: object) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield "aliases must be a list of names"
        return
    if len(value) > MOST_ALIASES:
        yield f"aliases has {len(value)} names; at most {MOST_ALIASES} are read"
        return
    for number, each in enumerate(value):
        if (message := _NAME.problem(each)) is not None:
            yield f"aliases[{number}] {message}"
        elif each in value[:number]:
            yield f"aliases has {_shown(each)} twice"


def _shared_aliases(document: Mapping[str, Any]) -> list[str]:
    owners: dict[str, str] = {}
    problems = []
    for name, table in document.items():
        for alias in table.get("aliases", ()):
            first = owners.setdefault(alias, name)
            if first != name:
                both = f"[{_shown(first)}] and [{_shown(name)}]"
                problems.append(f"{both} have the alias {_shown(alias)}; choose one of them")
    return problems


def _shown(text: str) -> str:
    """Return a name for a message, in one line of at most 60 characters."""
    line = "".join(sign if sign.isprintable() else "?" for sign in text)
    return line if len(line) <= 60 else f"{line[:59]}…"
