"""Draws with LoRAs for the time of one batch."""

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from adapters.diffusion.additions.lora.merging import (
    MergedWeight,
    ScaledLora,
    changed_weights,
    merged_weights,
)
from adapters.diffusion.pipeline import Pipeline

__all__ = ["KeptBeside", "lora_addition"]

_log = logging.getLogger(__name__)


class KeptBeside(Protocol):
    """A place for one value beside a pipeline, in the cache of pipelines."""

    def get(self) -> Any:
        """Return the value; None if there is none."""

    def make_room(self, size: int) -> None:
        """Give the value up, and other pipelines as far as `size` bytes need their room."""

    def keep(self, value: Any, size: int) -> None:
        """Keep a value of so many bytes if there is room."""


@dataclass(frozen=True, slots=True)
class _Merge:
    """The weights of a pipeline with some LoRAs."""

    key: Hashable
    weights: tuple[MergedWeight, ...]


@contextmanager
def lora_addition(
    pipeline: Pipeline,
    loras: Sequence[ScaledLora],
    *,
    key: Hashable,
    device: torch.device,
    kept: KeptBeside,
    tick: Callable[[], None],
) -> Iterator[None]:
    """Let the networks have the weights with these LoRAs, as long as the block lasts.

    The pipeline's own tensors are set aside and come back, so they are the same bytes afterwards.
    A merged tensor stands in the same `Parameter`, with the same shape, precision and order in
    memory. So a compiled network takes it without a new compilation, and offloading moves it as it
    moves others. Networks that wait elsewhere are sent back before tensors are exchanged.

    The last merge stays in the cache beside its pipeline. The next batch with the same LoRAs and
    scales takes it from there.

    Args:
        pipeline: Its UNet and its text encoders are changed.
        loras: The LoRAs of the batch. Their changes add up.
        key: What decides the merge: the ids of the LoRAs and their scales.
        device: The device that computes.
        kept: Keeps the last merge.
        tick: Called during a merge. Its exception ends it.

    Raises:
        AddonMismatch: A LoRA does not fit the pipeline.
        OutOfMemory: The merged weights do not fit.
    """
    merge = kept.get()
    pipeline.maybe_free_model_hooks()
    if not isinstance(merge, _Merge) or merge.key != key:
        del merge  # its memory must be free before the next merge
        merge = _merge(pipeline, loras, key, device, kept, tick)
    originals = [each.parameter.data for each in merge.weights]
    try:
        for each in merge.weights:
            each.parameter.data = each.merged
        yield
    finally:
        try:
            pipeline.maybe_free_model_hooks()
        finally:
            for each, original in zip(merge.weights, originals, strict=True):
                each.parameter.data = original


def _merge(
    pipeline: Pipeline,
    loras: Sequence[ScaledLora],
    key: Hashable,
    device: torch.device,
    kept: KeptBeside,
    tick: Callable[[], None],
) -> _Merge:
    began = time.monotonic()
    changed = changed_weights(pipeline, loras)
    size = sum(each.parameter.nbytes for each in changed)
    kept.make_room(size)
    merge = _Merge(key, merged_weights(changed, device, tick))
    kept.keep(merge, size)
    _log.info(
        "merged %d LoRAs into %d weights (%.1f MB) in %.2f s",
        len(loras),
        len(changed),
        size / 1e6,
        time.monotonic() - began,
    )
    return merge
