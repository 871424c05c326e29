"""Draws with LoRAs for the time of one batch."""

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.diffusion.additions.lora.merging import (
    ChangedWeight,
    MergedWeight,
    ScaledLora,
    changed_weights,
    merged_weights,
)
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import give_memory_back, is_out_of_memory
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
    device: Device,
    kept: KeptBeside,
    tick: Callable[[], None],
) -> Iterator[None]:
    """Let the networks have the weights with these LoRAs, as long as the block lasts.

    The pipeline's own tensors are set aside and come back, so they are the same bytes afterwards.
    A merged tensor stands in the same `Parameter`, with the same shape, precision and order in
    memory. So a compiled network takes it without a new compilation, and offloading moves it as it
    moves others. Networks that wait elsewhere are sent back before tensors are exchanged.

    The last merge stays in the cache beside its pipeline. The next batch with the same LoRAs and
    scales takes it from there. If a GPU has no memory for both, the merged numbers are written into
    the pipeline's own tensors, and the host's memory keeps the original numbers.

    Args:
        pipeline: Its UNet and its text encoders are changed.
        loras: The LoRAs of the batch. Their changes add up.
        key: What decides the merge: the ids of the LoRAs and their scales.
        device: The device that computes.
        kept: Keeps the last merge.
        tick: Called during a merge. Its exception ends it.

    Raises:
        AddonMismatch: A LoRA does not fit the pipeline.
        MemoryError: The merged weights do not fit. torch may raise its own error for it.
    """
    pipeline.maybe_free_model_hooks()
    with _changed(pipeline, loras, key, device, kept, tick):
        try:
            yield
        finally:
            pipeline.maybe_free_model_hooks()


def _changed(
    pipeline: Pipeline,
    loras: Sequence[ScaledLora],
    key: Hashable,
    device: Device,
    kept: KeptBeside,
    tick: Callable[[], None],
) -> AbstractContextManager[None]:
    found = kept.get()
    if isinstance(found, _Merge) and found.key == key:
        return _exchanged(found.weights)
    del found  # its memory must be free before the next merge
    began = time.monotonic()
    changed = changed_weights(pipeline, loras)
    size = sum(each.parameter.nbytes for each in changed)
    kept.make_room(size)
    weights = _merged(changed, device, tick)
    if weights is None:
        _log.info("the merged weights do not fit beside the others")
        return _overwritten(changed, device, tick)
    kept.keep(_Merge(key, weights), size)
    _log.info(
        "merged %d LoRAs into %d weights (%.1f MB) in %.2f s",
        len(loras),
        len(changed),
        size / 1e6,
        time.monotonic() - began,
    )
    return _exchanged(weights)


def _merged(
    changed: Sequence[ChangedWeight], device: Device, tick: Callable[[], None]
) -> tuple[MergedWeight, ...] | None:
    """Return the merged weights; None if a GPU has no memory for them."""
    try:
        return tuple(merged_weights(changed, device.torch_device, tick))
    except Exception as error:
        if device.name == "cpu" or not is_out_of_memory(error):
            raise
    give_memory_back(device)
    return None


@contextmanager
def _exchanged(weights: Sequence[MergedWeight]) -> Iterator[None]:
    """Let each parameter have another tensor, as long as the block lasts."""
    originals = [each.parameter.data for each in weights]
    try:
        for each in weights:
            each.parameter.data = each.merged
        yield
    finally:
        for each, original in zip(weights, originals, strict=True):
            each.parameter.data = original


@contextmanager
def _overwritten(
    changed: Sequence[ChangedWeight], device: Device, tick: Callable[[], None]
) -> Iterator[None]:
    """Let each tensor have other numbers, as long as the block lasts.

    Writing the original numbers back allocates nothing on the device, so it cannot fail for want of
    memory.
    """
    originals = []
    try:
        for each in changed:
            originals.append((each.parameter, each.parameter.data.to("cpu", copy=True)))
            for merged in merged_weights([each], device.torch_device, tick):
                each.parameter.data.copy_(merged.merged)
        yield
    finally:
        for parameter, numbers in originals:  # offloading may have moved it to another tensor
            parameter.data.copy_(numbers)
