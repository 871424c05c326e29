"""Loads the pipeline of a set of files."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from adapters.diffusion.devices.device import Device
from adapters.diffusion.loading.placement import place
from adapters.diffusion.pipeline import Pipeline
from domain.errors import ModelNotLoadable
from domain.models.components import ModelMember
from domain.models.record import ModelFamily, ModelRecord

__all__ = ["SetReader", "read_set"]

SetReader = Callable[[Mapping[str, ModelMember], Device, Callable[[], None]], Any]
"""Builds the pipeline of a family from its members by role.

The networks are on the CPU, in `Device.dtype_of_others`.
"""

READERS: Mapping[ModelFamily, SetReader] = MappingProxyType({})
"""The function that reads the sets of each family."""


def read_set(model: ModelRecord, device: Device, tick: Callable[[], None]) -> Pipeline:
    """Load the pipeline of a set of files.

    Args:
        model: The paths of its members lead to the proven files.
        device: The device that will draw.
        tick: Called between components. An exception of it ends the load.

    Raises:
        ModelNotLoadable: A file cannot be used, or nothing reads sets of the family. The message
            says why.
    """
    if model.family is None or (read := READERS.get(model.family)) is None:
        raise ModelNotLoadable("it is a set of files of a family that nothing reads", model.name)
    pipeline: Pipeline = read({each.role: each for each in model.members}, device, tick)
    place(pipeline, device, in_any_precision=False)
    return pipeline
