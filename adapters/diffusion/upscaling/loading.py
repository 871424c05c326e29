"""Loads a model file as an upscaler."""

from collections.abc import Mapping

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.companion_frame import loading_companion
from adapters.diffusion.loading.weights import read_weights, tensor_facts
from adapters.diffusion.upscaling.networks import build_network
from adapters.diffusion.upscaling.networks.span import merged_weights
from adapters.diffusion.upscaling.spandrel import SpandrelNetwork, load_with_spandrel
from adapters.diffusion.upscaling.upscaler import Upscaler
from domain.checkpoints.upscalers import (
    UnusableUpscaler,
    UpscalerArchitecture,
    UpscalerNetwork,
    other_architecture,
    upscaler_network,
)
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["load_upscaler"]


def load_upscaler(
    model: ModelRecord, device: Device, watcher: GuardedWatcher | None = None
) -> Upscaler:
    """Load the upscaler of a file on `device`, in the precision of the plan.

    Args:
        model: The model to load.
        device: The device that will enlarge.
        watcher: Called during the load. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The model is not an upscaler that can be used. The message says why.
        OutOfMemory: The model does not fit the memory.
    """
    watcher = watcher or GuardedWatcher()
    with loading_companion(model, device, watcher) as file:
        facts, network = _read(file, watcher)
        network = network.eval().requires_grad_(False)
        dtype = torch.float32 if isinstance(network, SpandrelNetwork) else device.dtype
        network.to(device=device.torch_device, dtype=dtype, memory_format=device.memory_format)
    return Upscaler(model.name, facts, network, device)


def _read(model: ModelRecord, watcher: GuardedWatcher) -> tuple[UpscalerNetwork, torch.nn.Module]:
    """Return the numbers of the network, and the network, with tensors copied out of the file."""
    stored = read_weights(model, tick=watcher.loading)
    tensors = tensor_facts(stored)
    try:
        if (facts := upscaler_network(tensors)) is not None:
            return facts, _own(facts, stored)
        if (other := other_architecture(tensors)) is not None:
            name, prefix = other
            weights = {
                each.removeprefix(prefix): tensor
                for each, tensor in stored.items()
                if each.startswith(prefix)
            }
            return load_with_spandrel(name, weights)
    except UnusableUpscaler as error:
        raise ModelNotLoadable(error.reason, model.name, lasting=True) from error
    raise ModelNotLoadable("it is not an upscaler", model.name, lasting=True)


def _own(facts: UpscalerNetwork, stored: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    """Return one of the networks of this service."""
    # A float64 or a bfloat16 becomes a float32 here, and then what the plan says.
    weights = {own: stored[name].to(torch.float32, copy=True) for own, name in facts.names.items()}
    if facts.architecture is UpscalerArchitecture.SPAN:
        weights = merged_weights(weights)
    network = build_network(facts)
    network.load_state_dict(weights, assign=True)
    return network
