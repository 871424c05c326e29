"""Which requests can be drawn in one batch."""

import dataclasses
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from domain.samplers import Scheduler

__all__ = ["OF_EACH_PICTURE", "BatchKey", "other_values"]

OF_EACH_PICTURE = frozenset(
    {"id", "prompt", "negative_prompt", "seed", "num_images", "output_format", "quality"}
)
"""What each picture of a batch has for itself. A field that is added to a request is not in here,
and so separates batches, unless somebody writes it down."""


class BatchKey(NamedTuple):
    """What requests must have in common to be drawn in one batch.

    Attributes:
        model_id: Of the checkpoint.
        width: Pixels that are drawn, before cropping.
        height: The same.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance.
        scheduler: None for the model's own.
        others: All the other fields of the request, but for those that each picture has for itself.
    """

    model_id: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: Scheduler | None = None
    others: tuple[Any, ...] = ()


def other_values(request: Any) -> tuple[Any, ...]:
    """What of a request belongs into `BatchKey.others`."""
    kind: Any = type(request)
    return _reader(kind)(request)


@cache
def _reader(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = [
        field.name
        for field in dataclasses.fields(kind)
        if field.name not in OF_EACH_PICTURE and field.name not in BatchKey._fields
    ]
    if not names:
        return lambda _request: ()
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda request: (read(request),)
