"""Loads a model file as an autoencoder."""

from adapters.diffusion.autoencoders.network import Autoencoder
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.companion_tensors import read_companion
from domain.checkpoints.additions.autoencoder_layout import autoencoder_layout
from domain.models.record import ModelRecord

__all__ = ["load_autoencoder"]


def load_autoencoder(
    model: ModelRecord, device: Device, watcher: GuardedWatcher | None = None
) -> Autoencoder:
    """Load the autoencoder of a file on `device`, in the plan's precision of wide range.

    No file says whether its numbers overflow float16, and XL's do. So every autoencoder beside a
    checkpoint has the precision that does not overflow.

    Args:
        model: The model to load.
        device: The device that will draw.
        watcher: Called at least once a second during the load. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The file is not an autoencoder that can be used. The message says why.
        OutOfMemory: The model does not fit the memory.
    """
    dtype = device.vae_dtype(wide_range=True)
    layout, weights = read_companion(model, device, dtype, watcher, autoencoder_layout)
    # The attention's projections are convolutions of 1 × 1 in the original layout.
    weights = {
        name: tensor.flatten(1) if ".attentions.0." in name and tensor.ndim == 4 else tensor
        for name, tensor in weights.items()
    }
    return Autoencoder(model.name, layout, weights, device)
