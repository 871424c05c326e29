"""Reads the tensors of a file of any supported format. It runs nothing from the file."""

from collections.abc import Callable, Mapping

import safetensors
import safetensors.torch
import torch

from adapters.diffusion.devices.errors import brief, is_out_of_memory, is_permanent
from adapters.diffusion.untrusted.torch_weights import read_torch_weights
from domain.checkpoints.arranged import arrangement_of
from domain.checkpoints.header_values import TensorFacts
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["is_finite", "read_metadata", "read_weights", "tensor_facts"]

_SAFETENSORS = ".safetensors"


def read_metadata(model: ModelRecord) -> dict[str, str]:
    """Return the text metadata of a safetensors file; empty for other files."""
    if model.extension != _SAFETENSORS:
        return {}
    try:
        with safetensors.safe_open(model.path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise _unreadable(model, error) from error


def read_weights(
    model: ModelRecord, *, tick: Callable[[], None] = lambda: None
) -> dict[str, torch.Tensor]:
    """Return every tensor of the file by name. The tensors are on the CPU, mapped from the file.

    Those of a checkpoint have the names of the original code: `domain.checkpoints.arranged` chooses
    them, as it does for listing.

    Args:
        model: The model of the file.
        tick: Called now and then. An exception of it ends the reading.

    Raises:
        ModelNotLoadable: The file is corrupt, holds no tensors, or names more bytes than it has.
    """
    try:
        if model.extension == _SAFETENSORS:
            return _arranged(safetensors.torch.load_file(model.path))
        return _arranged(read_torch_weights(model.name, model.path, tick=tick))
    except DomainError:
        raise
    except Exception as error:  # libraries may raise anything for a broken file
        if is_out_of_memory(error):
            raise
        raise _unreadable(model, error) from error


def _arranged(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors that draw. Only tensors that the file divides are copied."""
    places = arrangement_of(tensor_facts(stored)).places
    if places is None:
        return stored
    tensors: dict[str, torch.Tensor] = {}
    for name, place in places.items():
        found = [stored[each] for each in place.names]
        whole = found[0] if len(found) == 1 else torch.cat(found)
        tensors[name] = whole.T if place.is_turned else whole
    return tensors


def tensor_facts(tensors: Mapping[str, torch.Tensor]) -> dict[str, TensorFacts]:
    """Return the type and the shape of each tensor, as the header of a file tells them."""
    return {
        name: TensorFacts(str(each.dtype).removeprefix("torch."), tuple(each.shape))
        for name, each in tensors.items()
    }


def is_finite(tensor: torch.Tensor) -> bool:
    """Return whether a tensor with numbers holds neither NaN nor infinity.

    NaN is the least and the largest of any numbers, so these two tell of every number. On a CPU,
    `isfinite` of each number takes a hundred times as long.
    """
    return bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all())


def _unreadable(model: ModelRecord, error: Exception) -> ModelNotLoadable:
    return ModelNotLoadable(
        f"it cannot be read: {brief(error)}", model.name, lasting=is_permanent(error)
    )
