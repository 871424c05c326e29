"""Decides between what several sources say of a model's training."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from domain.checkpoints.notes import joined_notes
from domain.models.training import Training

__all__ = ["Source", "Told", "decided"]

_NAMES = {
    "prediction": "what it predicts",
    "zero_terminal_snr": "whether its noise ends in pure noise",
    "sigma_min": "its least noise",
    "sigma_max": "its largest noise",
    "sigma_data": "the spread of its latents",
    "train_steps": "the timesteps of its training",
    "beta_start": "its first beta",
    "beta_end": "its last beta",
    "beta_schedule": "how its beta rises",
    "scaling_factor": "the scale of its latents",
}
"""The fields that sources may contradict each other about."""


class Source(IntEnum):
    """Where something is said, in the order in which it counts."""

    TENSORS = 0
    BESIDE = 1
    METADATA = 2
    GUESS = 3
    """A rule of thumb, which counts only if no other source says what the model predicts."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one source says.

    Attributes:
        source: The kind of source.
        name: The source in a message, with its article, such as «its metadata».
        training: What it says; None in a field that it does not name.
        remark: A further sentence for users, without its subject, the model's name; None for none.
    """

    source: Source
    name: str
    training: Training
    remark: str | None = None


def decided(told: Iterable[Told]) -> tuple[Training | None, str | None]:
    """Return the training that these sources give, and a note about their contradictions.

    Args:
        told: What they say. In each field the first source that names it decides, in the order of
            `Source`.

    Returns:
        The training; None without a source. The note is a sentence without its subject, the model's
        name; None without a contradiction.
    """
    every = sorted(told, key=lambda each: each.source)
    is_said = any(each.training.prediction for each in every if each.source is not Source.GUESS)
    sources = [each for each in every if not (is_said and each.source is Source.GUESS)]
    if not sources:
        return None, None
    training = sources[0].training
    for each in sources[1:]:
        training = training.over(each.training)
    notes = [*_contradictions(sources), *(each.remark for each in sources if each.remark)]
    return training, joined_notes(*notes)


def _contradictions(sources: Sequence[Told]) -> Iterable[str]:
    for name in (field.name for field in dataclasses.fields(Training) if field.name in _NAMES):
        said = [
            (each.name, value)
            for each in sources
            for value in [getattr(each.training, name)]
            if value is not None
        ]
        other = next((each for each in said if each[1] != said[0][1]), None)
        if other is not None:
            (first, value), (second, against) = said[0], other
            yield (
                f"says two things of {_NAMES[name]}: {first} says {_shown(value)}, and {second} "
                f"says {_shown(against)}; {first} counts, unless its settings say otherwise"
            )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
