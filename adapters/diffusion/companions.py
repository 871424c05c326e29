"""Loads the models that a request names beside its checkpoint."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from adapters.diffusion.autoencoders.loading import load_autoencoder
from adapters.diffusion.control.loading import load_controlnet
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.loras import load_lora
from adapters.diffusion.loading.textual_inversions import load_textual_inversion
from adapters.diffusion.upscaling.loading import load_upscaler
from domain.errors import ModelNotLoadable
from domain.models.record import ModelKind, ModelRecord

__all__ = ["LOADERS", "Companion", "load_companion", "need_torch"]


class Companion(Protocol):
    """A loaded model beside a checkpoint. It stands in the cache of pipelines.

    It may have the attribute `needs_torch`. If that is True, a network of OpenVINO cannot be drawn
    with together with it.
    """

    @property
    def components(self) -> Mapping[str, Any]:
        """Its networks by name. Their tensors count in the limit of the cache."""


Loader = Callable[[ModelRecord, Device, GuardedWatcher | None], Companion]

LOADERS: Mapping[ModelKind, Loader] = MappingProxyType(
    {
        ModelKind.EMBEDDING: load_textual_inversion,
        ModelKind.UPSCALER: load_upscaler,
        ModelKind.LORA: load_lora,
        ModelKind.CONTROLNET: load_controlnet,
        ModelKind.VAE: load_autoencoder,
    }
)
"""The function that loads each kind. Each proves the file, and raises as `load_upscaler` does."""


def need_torch(companions: Iterable[Companion]) -> bool:
    """Return whether one of these companions needs a UNet that torch runs."""
    return any(getattr(each, "needs_torch", False) for each in companions)


def load_companion(model: ModelRecord, device: Device, watcher: GuardedWatcher) -> Companion:
    """Load a model that is not a checkpoint.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: Nothing draws with this kind, or the file cannot be used.
        OutOfMemory: The model does not fit the memory.
    """
    if (load := LOADERS.get(model.kind)) is None:
        raise ModelNotLoadable(f"nothing draws with its kind, which is {model.kind}", model.name)
    return load(model, device, watcher)
