"""Loads the file of a textual inversion."""

from pathlib import PurePath

import torch

from adapters.diffusion.additions.embeddings.textual_inversion import TextualInversion
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.companion_frame import loading_companion
from adapters.diffusion.loading.weights import is_finite, read_weights, tensor_facts
from domain.checkpoints.additions.embedding_layout import embedding_layout
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["load_textual_inversion"]


def load_textual_inversion(
    model: ModelRecord, device: Device, watcher: GuardedWatcher | None = None
) -> TextualInversion:
    """Load an embedding. Its vectors stay in the host's memory, in float32.

    Args:
        model: The model to load.
        device: The device that will draw, for messages.
        watcher: Called during the load. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The file is not an embedding that can be used. The message says why.
    """
    watcher = watcher or GuardedWatcher()
    with loading_companion(model, device, watcher) as file:
        stored = read_weights(file, tick=watcher.loading)
        facts = tensor_facts(stored)
        try:
            layout = embedding_layout(facts)
        except UnusableAddition as error:
            raise ModelNotLoadable(error.reason, model.name, lasting=True) from error
        # A copy, so that a later write to the file cannot reach the vectors.
        vectors = [
            stored[name].to(torch.float32, copy=True).reshape(-1, facts[name].shape[-1])
            for name in layout.names
        ]
    if not all(map(is_finite, vectors)):
        raise ModelNotLoadable(
            "its vectors hold NaN or infinity: its training went wrong", model.name, lasting=True
        )
    return TextualInversion(model.name, PurePath(model.name).stem, vectors)
