"""Tensors from a file, whatever wrote it, without running what it says."""

from collections.abc import Callable

import safetensors
import safetensors.torch
import torch

from adapters.diffusion.devices.errors import brief, is_of_the_bytes, is_out_of_memory
from adapters.diffusion.untrusted.torch_weights import read_torch_weights
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["read_metadata", "read_weights"]

_SAFETENSORS = ".safetensors"


def read_metadata(model: ModelRecord) -> dict[str, str]:
    """The text that a safetensors file carries beside its tensors; empty for other files."""
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
    """Every tensor of the file by name, on the CPU, mapped rather than read.

    Args:
        model: Whose file it is.
        tick: Called now and then; what it raises ends the reading.

    Raises:
        ModelNotLoadable: the file is corrupt, is no file of tensors, or asks for more than it has.
    """
    try:
        if model.extension == _SAFETENSORS:
            return safetensors.torch.load_file(model.path)
        return read_torch_weights(model.name, model.path, tick=tick)
    except DomainError:
        raise
    except Exception as error:  # a library raises whatever the bytes lead it to
        if is_out_of_memory(error):
            raise
        raise _unreadable(model, error) from error


def _unreadable(model: ModelRecord, error: Exception) -> ModelNotLoadable:
    return ModelNotLoadable(
        f"it cannot be read: {brief(error)}", model.name, lasting=is_of_the_bytes(error)
    )
