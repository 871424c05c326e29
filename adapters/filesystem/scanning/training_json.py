"""What files say of their training, as text for the cache of identities."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domain.checkpoints.training import Source, Told
from domain.models.training import BetaSchedule, Prediction, Spacing, Training
from domain.samplers import Sampler

__all__ = ["told_of_text", "told_to_text"]

_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "prediction": Prediction,
    "beta_schedule": BetaSchedule,
    "spacing": Spacing,
    "sampler": Sampler,
}


def told_to_text(told: Sequence[Told]) -> str:
    """Return the text of what the sources of a model say. A field that says nothing is left out."""
    return json.dumps(
        [[each.source, each.name, _fields(each.training), each.remark] for each in told]
    )


def told_of_text(text: str) -> tuple[Told, ...]:
    """Return what `told_to_text` wrote.

    Raises:
        ValueError: The text is of another version of this service.
        TypeError: The same.
    """
    return tuple(
        Told(Source(source), name, _training(fields), remark)
        for source, name, fields, remark in json.loads(text)
    )


def _fields(training: Training) -> dict[str, Any]:
    return {
        name: value for name, value in dataclasses.asdict(training).items() if value is not None
    }


def _training(fields: dict[str, Any]) -> Training:
    values: dict[str, Any] = {
        name: _KINDS.get(name, _same)(value) for name, value in fields.items()
    }
    return Training(**values)


def _same(value: Any) -> Any:
    return value
