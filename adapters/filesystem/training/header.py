"""What the header of a checkpoint says of its training."""

import json
from collections.abc import Iterator

from adapters.filesystem.headers.values import Header
from domain.checkpoints.training import Source, Told, told_by_file, training_of_scheduler
from domain.models.kinds import ModelFamily

__all__ = ["told_by_header"]

_EMBEDDED = "scheduler/scheduler_config.json"
_CLASS = "DPMSolverMultistepScheduler"
"""The class that an embedded configuration gets, whatever it names."""


def told_by_header(header: Header, family: ModelFamily | None) -> tuple[Told, ...]:
    """Return what a checkpoint says of its training.

    Raises:
        UnusableTraining: It says what no training has.
    """
    told = told_by_file(family, header.tensors, header.metadata, header.probes)
    return (*_embedded(header), *told)


def _embedded(header: Header) -> Iterator[Told]:
    """Yield what the scheduler of an embedded configuration says."""
    text = header.metadata.get(_EMBEDDED)
    if text is None:
        return
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return  # the check of the whole configuration refuses it
    if not isinstance(fields, dict):
        return
    training = training_of_scheduler(_CLASS, {**fields, "_class_name": _CLASS})
    yield Told(Source.METADATA, "its embedded configuration", training)
