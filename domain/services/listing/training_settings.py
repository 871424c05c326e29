"""Applies what the operator says of a model's training."""

import dataclasses
from dataclasses import dataclass

from domain.checkpoints.notes import joined_notes
from domain.models.record import ModelKind, ModelRecord
from domain.models.training import NoiseProcess, Prediction, Training
from domain.services.addition_kinds import TITLES

__all__ = ["CannotApply", "TrainedModel", "not_followed", "with_training"]


class CannotApply(Exception):
    """A setting does not suit its model. The text says why."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model with the training of its settings, and what of them is not followed."""

    model: ModelRecord
    problems: tuple[str, ...] = ()


def not_followed(name: str, error: CannotApply) -> str:
    """Return a problem of a model: this setting of it does not apply."""
    return f"does not follow {name} of its settings: {error}"


def with_training(
    model: ModelRecord, prediction: Prediction | None, zero_terminal_snr: bool | None
) -> TrainedModel:
    """Return a model with this training in place of what its files say.

    Args:
        model: The model.
        prediction: What its network predicts; None for what its files say.
        zero_terminal_snr: Whether its noise ends in pure noise; None for what its files say.
    """
    problems = []
    if prediction is not None:
        try:
            model = _predicting(model, prediction)
        except CannotApply as error:
            problems.append(not_followed("prediction_type", error))
    if zero_terminal_snr is not None:
        try:
            model = _ending(model, zero_terminal_snr)
        except CannotApply as error:
            problems.append(not_followed("zero_terminal_snr", error))
    return TrainedModel(model, tuple(problems))


def _predicting(model: ModelRecord, prediction: Prediction) -> ModelRecord:
    _check_draws(model, "prediction_type")
    own = None if model.training is None else model.training.prediction
    if own is Prediction.FLOW and prediction is not own:
        raise CannotApply("it predicts a flow, which no other noise can replace")
    note = model.note
    if own not in (None, prediction):
        said = f"predicts {prediction} by its settings, and {own} by its files; its settings count"
        note = joined_notes(note, said)
    training = Training(prediction=prediction).over(model.training)
    return dataclasses.replace(model, training=training, note=note)


def _ending(model: ModelRecord, zero_terminal_snr: bool) -> ModelRecord:
    _check_draws(model, "zero_terminal_snr")
    training = model.training or Training()
    if training.process is not NoiseProcess.DISCRETE:
        raise CannotApply("its noise has no timesteps")
    if zero_terminal_snr and model.prediction_type is Prediction.EPSILON:
        raise CannotApply(
            "it predicts the noise, which says nothing at pure noise; "
            f"if it predicts velocity, set prediction_type to {Prediction.VELOCITY} too"
        )
    told = Training(zero_terminal_snr=zero_terminal_snr).over(training)
    return dataclasses.replace(model, training=told)


def _check_draws(model: ModelRecord, name: str) -> None:
    if model.kind is not ModelKind.CHECKPOINT:
        raise CannotApply(f"it is {TITLES[model.kind]}, which does not draw")
    if model.loadable and not model.schedulers:
        raise CannotApply(f"it draws with its authors' configuration, without a {name}")
