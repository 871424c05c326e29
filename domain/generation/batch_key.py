"""The key of requests that can be drawn in one batch."""

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
"""The fields that may differ between the pictures of a batch. A new field of a request is not among
them, so requests that differ in it are drawn in separate batches."""


class BatchKey(NamedTuple):
    """The values that the requests of a batch must have in common.

    Attributes:
        model_id: The id of the checkpoint.
        width: Pixels that are drawn, before cropping.
        height: Pixels that are drawn, before cropping.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance.
        scheduler: The scheduler; None for the model's own.
        others: The other fields of the request, except those that may differ in a batch.
    """

    model_id: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: Scheduler | None = None
    others: tuple[Any, ...] = ()


def other_values(request: Any) -> tuple[Any, ...]:
    """Return the values of a request for `BatchKey.others`."""
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
