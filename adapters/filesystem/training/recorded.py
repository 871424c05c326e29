"""The training that a model's record has, from all that is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.filesystem.training.beside import ToldBeside
from domain.checkpoints.training import Told, decided
from domain.models.kinds import ModelFamily
from domain.models.training import Prediction, Training

__all__ = ["RecordedTraining", "recorded_training"]

_FORMS = {
    (ModelFamily.SD_2, Prediction.VELOCITY): ModelFamily.SD_2_V,
    (ModelFamily.SD_2_V, Prediction.EPSILON): ModelFamily.SD_2,
}
"""The two forms of Stable Diffusion 2, which predict different things."""


@dataclass(frozen=True, slots=True)
class RecordedTraining:
    """What a record says of the training of its model.

    Attributes:
        training: The training; None if the family decides.
        family: The family that fits it.
        reason: Why the model cannot draw; None if this is not the reason.
        note: A sentence for users, without its subject, the model's name; None for none.
    """

    training: Training | None
    family: ModelFamily | None
    reason: str | None = None
    note: str | None = None


def recorded_training(
    family: ModelFamily | None, told: Sequence[Told], beside: ToldBeside | None
) -> RecordedTraining:
    """Return the training of a model.

    Args:
        family: The family that its header or its folder shows.
        told: What the model says.
        beside: What the file beside it says; None without a file.
    """
    more = () if beside is None or beside.told is None else (beside.told,)
    training, note = decided((*told, *more))
    if training is not None and family is not None and training.prediction is not None:
        family = _FORMS.get((family, training.prediction), family)
    reason = None if beside is None else beside.reason
    return RecordedTraining(training, family, reason, note)
