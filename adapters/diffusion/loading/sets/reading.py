"""Loads the pipeline of a set of files."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from adapters.diffusion.devices.device import Device
from adapters.diffusion.loading.placement import place
from adapters.diffusion.loading.sets.flux import read_chroma, read_flux
from adapters.diffusion.loading.sets.language_models import (
    read_flux_2,
    read_lumina_2,
    read_qwen_image,
    read_sana,
    read_z_image,
)
from adapters.diffusion.loading.sets.members import openers_of
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.loading.sets.stable_diffusion_3 import read_sd3
from adapters.diffusion.pipeline import Pipeline
from domain.errors import ModelNotLoadable
from domain.models.record import ModelFamily, ModelRecord

__all__ = ["READERS", "SetReader", "read_set"]

SetReader = Callable[[Parts], Any]
"""Builds the pipeline of a family from its parts. The networks are those that `Parts` returns."""

READERS: Mapping[ModelFamily, SetReader] = MappingProxyType(
    {
        ModelFamily.CHROMA: read_chroma,
        ModelFamily.FLUX: read_flux,
        ModelFamily.FLUX_2: read_flux_2,
        ModelFamily.LUMINA_2: read_lumina_2,
        ModelFamily.QWEN_IMAGE: read_qwen_image,
        ModelFamily.SANA: read_sana,
        ModelFamily.SD_3: read_sd3,
        ModelFamily.Z_IMAGE: read_z_image,
    }
)
"""The function that builds the pipeline of each family. A new family needs a row."""


def read_set(model: ModelRecord, device: Device, tick: Callable[[], None]) -> Pipeline:
    """Load the pipeline of a set of files.

    Args:
        model: The paths of its members lead to the proven files.
        device: The device that will draw.
        tick: Called between tensors. An exception of it ends the load.

    Raises:
        ModelNotLoadable: A file cannot be used, or nothing reads sets of the family. The message
            says why.
    """
    if model.family is None or (read := READERS.get(model.family)) is None:
        raise ModelNotLoadable("it is a set of files of a family that nothing reads", model.name)
    openers = openers_of(model, device, tick)
    files = {each.role: each.name for each in model.members}
    pipeline: Pipeline = read(Parts(openers, device, tick, files))
    # Every tensor was copied from its file, so none is mapped.
    place(pipeline, device, in_any_precision=False, mapped=())
    return pipeline
