"""The files of a set while its pipeline is built."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from adapters.diffusion.devices.device import Device
from adapters.diffusion.loading.sets.building import build
from adapters.diffusion.loading.sets.stored import Stored
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import LayoutOf, UnusableNetwork
from domain.errors import ModelNotLoadable

__all__ = ["Parts"]


class Parts:
    """The networks of a model by role, each in a file or in a part of one.

    Args:
        openers: Opens the tensors of each role. They are mapped, and are let go of when the network
            is built.
        device: The device that will draw.
        tick: Called between tensors. An exception of it ends the load.
        files: The names of the files by role.
    """

    def __init__(
        self,
        openers: Mapping[str, Callable[[], Stored]],
        device: Device,
        tick: Callable[[], None],
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._openers = openers
        self._files = files
        self.device = device
        self.tick = tick

    def __contains__(self, role: object) -> bool:
        return role in self._openers

    def file(self, role: str) -> str:
        """Return the name of the file of a role."""
        return self._files[role]

    def stored(self, role: str) -> Stored:
        """Return the tensors of a role by their names, mapped from its file."""
        return self._openers[role]()

    def facts(self, role: str) -> Mapping[str, TensorFacts]:
        """Return the header of the file of a role."""
        return self.stored(role).facts

    def network(self, role: str, kind: Any, layout_of: LayoutOf) -> Any:
        """Return the network of a role on the CPU, in `Device.dtype_of_others`.

        Args:
            role: The name of the component in the pipeline of diffusers.
            kind: The class of the network in diffusers or transformers.
            layout_of: Finds the network in the file.

        Raises:
            ModelNotLoadable: The file is not such a network. The message says why.
        """
        stored = self.stored(role)
        try:
            layout = layout_of(stored.facts)
        except UnusableNetwork as error:
            raise ModelNotLoadable(error.reason, stored.file, lasting=True) from error
        return build(role, kind, layout, stored, self.device.dtype_of_others, self.tick)
