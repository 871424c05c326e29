"""Reads the tensors of a model that a request names beside its checkpoint."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.companion_frame import loading_companion
from adapters.diffusion.loading.weights import (
    is_finite,
    read_metadata,
    read_weights,
    tensor_facts,
)
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["read_companion"]


class _Layout(Protocol):
    @property
    def names(self) -> Mapping[str, str]:
        """The name in the file of each tensor of the network."""


Layout = TypeVar("Layout", bound=_Layout)


def read_companion(
    model: ModelRecord,
    device: Device,
    dtype: torch.dtype,
    watcher: GuardedWatcher | None,
    layout_of: Callable[[Mapping[str, TensorFacts], Mapping[str, str]], Layout],
) -> tuple[Layout, dict[str, torch.Tensor]]:
    """Return the layout of a file and its tensors, by the names of the network.

    The tensors are copies on the device, in the precision `dtype` and in the device's order of
    numbers. So a later write to the file cannot reach them.

    Args:
        model: The model of the file.
        device: The device that will draw.
        dtype: The precision.
        watcher: Called at least once a second. Its exception ends the load.
        layout_of: Finds the network in a file by its tensors and its metadata, and raises
            UnusableAddition.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The file holds no such network, or NaN. The message says what is wrong.
        OutOfMemory: The tensors do not fit the memory.
    """
    watcher = watcher or GuardedWatcher()
    with loading_companion(model, device, watcher) as file:
        stored = read_weights(file, dtype=dtype, tick=watcher.loading)
        layout = _layout(file, stored, layout_of)
        tensors = {}
        for own, name in layout.names.items():
            watcher.loading()
            tensor = stored[name]
            _check_finite(model, name, tensor)
            tensors[own] = _placed(tensor, device, dtype)
    return layout, tensors


def _layout(
    model: ModelRecord,
    stored: Mapping[str, torch.Tensor],
    layout_of: Callable[[Mapping[str, TensorFacts], Mapping[str, str]], Layout],
) -> Layout:
    try:
        return layout_of(tensor_facts(stored), read_metadata(model))
    except UnusableAddition as error:
        raise ModelNotLoadable(error.reason, model.name, lasting=True) from error


def _check_finite(model: ModelRecord, name: str, tensor: torch.Tensor) -> None:
    if not is_finite(tensor):
        raise ModelNotLoadable(
            f"its tensor {name[:100]!a} holds NaN or infinity, so every picture would be NaN",
            model.name,
            lasting=True,
        )


def _placed(tensor: torch.Tensor, device: Device, dtype: torch.dtype) -> torch.Tensor:
    is_of_convolution = tensor.ndim == 4
    return tensor.to(
        device=device.torch_device,
        dtype=dtype,
        copy=True,
        memory_format=device.memory_format if is_of_convolution else torch.contiguous_format,
    )
