"""Reads the tensors of a file of any supported format. It runs nothing from the file."""

from collections.abc import Callable, Mapping

import safetensors
import safetensors.torch
import torch

from adapters.diffusion.devices.errors import brief, is_out_of_memory, is_permanent
from adapters.diffusion.untrusted.torch_weights import read_torch_weights
from domain.checkpoints.header_values import TensorFacts
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["is_finite", "read_metadata", "read_weights", "tensor_facts"]

_SAFETENSORS = ".safetensors"
_WITH_PRODUCTS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


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

    Args:
        model: The model of the file.
        tick: Called now and then. An exception of it ends the reading.

    Raises:
        ModelNotLoadable: The file is corrupt, holds no tensors, or names more bytes than it has.
    """
    try:
        if model.extension == _SAFETENSORS:
            return safetensors.torch.load_file(model.path)
        return read_torch_weights(model.name, model.path, tick=tick)
    except DomainError:
        raise
    except Exception as error:  # libraries may raise anything for a broken file
        if is_out_of_memory(error):
            raise
        raise _unreadable(model, error) from error


def tensor_facts(tensors: Mapping[str, torch.Tensor]) -> dict[str, TensorFacts]:
    """Return the type and the shape of each tensor, as the header of a file tells them."""
    return {
        name: TensorFacts(str(each.dtype).removeprefix("torch."), tuple(each.shape))
        for name, each in tensors.items()
    }


def is_finite(tensor: torch.Tensor) -> bool:
    """Return whether a tensor with numbers holds neither NaN nor infinity.

    The sum of the squares is finite only if every number is. It takes a fifth of the time of any
    other test on a CPU. Large numbers can make it infinite, so that result is no proof. Then the
    least and the largest number decide: NaN is the least and the largest of any numbers.
    """
    if tensor.dtype in _WITH_PRODUCTS and tensor.is_contiguous():
        numbers = tensor.view(-1)
        if bool(torch.isfinite(torch.dot(numbers, numbers))):
            return True
    return bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all())


def _unreadable(model: ModelRecord, error: Exception) -> ModelNotLoadable:
    return ModelNotLoadable(
        f"it cannot be read: {brief(error)}", model.name, lasting=is_permanent(error)
    )
