"""Loads a model file as a ControlNet."""

from adapters.diffusion.control.network import ControlNet
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.companion_tensors import read_companion
from domain.checkpoints.additions.controlnet import name_problem
from domain.checkpoints.additions.controlnet_layout import controlnet_layout
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["load_controlnet"]


def load_controlnet(
    model: ModelRecord, device: Device, watcher: GuardedWatcher | None = None
) -> ControlNet:
    """Load the ControlNet of a file on `device`, in the precision of the plan.

    Args:
        model: The model to load.
        device: The device that will draw.
        watcher: Called at least once a second during the load. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The file is not a ControlNet that can be used. The message says why.
        OutOfMemory: The model does not fit the memory.
    """
    if (problem := name_problem(model.name)) is not None:
        raise ModelNotLoadable(problem, model.name)
    layout, weights = read_companion(model, device, device.dtype, watcher, controlnet_layout)
    return ControlNet(model.name, layout, weights, device)
