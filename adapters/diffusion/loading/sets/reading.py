"""Loads the pipeline of a set of files."""

from collections.abc import Callable, Mapping, Sequence
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
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.loading.sets.stable_diffusion_3 import read_sd3
from adapters.diffusion.loading.sets.stored import Stored
from adapters.diffusion.loading.weights import read_weights, tensor_facts
from adapters.diffusion.pipeline import Pipeline
from domain.checkpoints.sets import components_in, names_of, placed_for
from domain.checkpoints.sets.outside import outside_names
from domain.checkpoints.unused import unexpected_reason
from domain.errors import ModelNotLoadable
from domain.models.components import ModelMember, Need
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
_TEXTS = (".json", ".model")
"""The extensions of files that are no network: a tokenizer."""


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
    needs = () if model.component is None else model.component.needs
    networks = [each for each in model.members if each.extension not in _TEXTS]
    openers = {each.role: _opener(each, needs, device, tick) for each in networks}
    texts = {each.role: _text(each) for each in model.members if each.extension in _TEXTS}
    files = {each.role: each.name for each in model.members}
    pipeline: Pipeline = read(Parts(openers, device, tick, texts=texts, files=files))
    # Every tensor was copied from its file, so none is mapped.
    place(pipeline, device, in_any_precision=False, mapped=())
    return pipeline


def _text(member: ModelMember) -> Callable[[int], tuple[str, bytes]]:
    def read(most: int) -> tuple[str, bytes]:
        with open(member.path, "rb") as file:
            return member.name, file.read(most)

    return read


def _opener(
    member: ModelMember, needs: Sequence[Need], device: Device, tick: Callable[[], None]
) -> Callable[[], Stored]:
    """Return the function that opens the part of a member that has its role."""
    file = ModelRecord(member.id, member.name, member.size, member.path, member.extension)

    def opened() -> Stored:
        weights = read_weights(file, dtype=device.dtype_of_others, tick=tick)
        facts = tensor_facts(weights)
        found = components_in(facts)
        placed = placed_for(member.role, needs, found)
        if placed is None:
            raise ModelNotLoadable(
                f"it holds no {member.role} that fits", member.name, lasting=True
            )
        if placed.problem is not None:
            raise ModelNotLoadable(placed.problem, member.name, lasting=True)
        if left := list(outside_names(found, facts)):
            raise ModelNotLoadable(unexpected_reason("model", left), member.name, lasting=True)
        names = names_of(placed, found, facts)
        own = {name: facts[stored] for name, stored in names.items()}
        return Stored(member.name, weights, names, own)

    return opened
