"""Loads a model file as a LoRA."""

import math
from collections.abc import Mapping

import torch

from adapters.diffusion.additions.lora.loaded import LoadedLora
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.companion_frame import loading_companion
from adapters.diffusion.loading.weights import (
    is_finite,
    read_metadata,
    read_weights,
    tensor_facts,
)
from domain.checkpoints.additions.lora_layouts import LoraFile, Role, read_lora
from domain.checkpoints.additions.lora_layouts.adapter_metadata import AdapterScales, adapter_scales
from domain.checkpoints.configurations.json_text import UnusableConfiguration
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["load_lora"]


def load_lora(
    model: ModelRecord, device: Device, watcher: GuardedWatcher | None = None
) -> LoadedLora:
    """Load the LoRA of a file on `device`, in the precision of the file.

    Args:
        model: The model to load.
        device: The device that will draw.
        watcher: Called during the load. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The model is not a LoRA that can be used. The message says why.
        OutOfMemory: The model does not fit the memory.
    """
    watcher = watcher or GuardedWatcher()
    with loading_companion(model, device, watcher) as file:
        scales = _scales(file)
        stored = read_weights(file, tick=watcher.loading)
        facts = read_lora(tensor_facts(stored))
        if facts.problem is not None:
            raise ModelNotLoadable(facts.problem, model.name, lasting=True)
        alphas = _alphas(facts, stored, model.name)
        tensors = {key: stored[key].to(device.torch_device, copy=True) for key in _weights(facts)}
        watcher.loading()
        _check_finite(tensors, model.name)
    return LoadedLora(model.name, facts, tensors, alphas, scales)


def _scales(model: ModelRecord) -> AdapterScales:
    try:
        return adapter_scales(read_metadata(model))
    except UnusableConfiguration as error:
        raise ModelNotLoadable(error.reason, model.name, lasting=True) from error


def _weights(file: LoraFile) -> list[str]:
    """Return the names of the tensors of all changes, without those of single numbers."""
    return [
        key
        for module in file.modules
        for role, key in module.keys.items()
        if role is not Role.ALPHA
    ]


def _alphas(file: LoraFile, stored: Mapping[str, torch.Tensor], name: str) -> dict[str, float]:
    alphas = {}
    for module in file.modules:
        if (key := module.keys.get(Role.ALPHA)) is None:
            continue
        alpha = float(stored[key])
        if not math.isfinite(alpha) or alpha == 0:
            raise ModelNotLoadable(
                f"the alpha of its module {module.label[:120]!a} is {alpha:g}, which cannot be a "
                "factor",
                name,
                lasting=True,
            )
        alphas[key] = alpha
    return alphas


def _check_finite(tensors: Mapping[str, torch.Tensor], name: str) -> None:
    for key, tensor in tensors.items():
        if not is_finite(tensor):
            raise ModelNotLoadable(
                f"its tensor {key[:120]!a} holds NaN or infinity", name, lasting=True
            )
