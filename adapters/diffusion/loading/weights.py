"""Reads the tensors of a file of any supported format. It runs nothing from the file."""

import os
from collections.abc import Callable, Mapping

import safetensors
import safetensors.torch
import torch

from adapters.diffusion.devices.errors import brief, is_out_of_memory, is_permanent
from adapters.diffusion.loading.quantised.gguf_file import read_gguf_tensors
from adapters.diffusion.loading.quantised.scaled import made_layers
from adapters.diffusion.loading.quantised.view import Made, Weights, is_float8
from adapters.diffusion.untrusted.torch_weights import read_torch_weights
from domain.checkpoints.arranged import arrangement_of
from domain.checkpoints.header_values import TensorFacts, UnreadableHeader
from domain.checkpoints.quantised import marker_names, quantisation_of_file
from domain.checkpoints.quantised.gguf import read_gguf
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["Weights", "is_finite", "read_metadata", "read_weights", "tensor_facts"]

_SAFETENSORS, _GGUF = ".safetensors", ".gguf"
_WITH_PRODUCTS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


def read_metadata(model: ModelRecord) -> dict[str, str]:
    """Return the text metadata of a safetensors or GGUF file; empty for other files."""
    if model.extension not in (_SAFETENSORS, _GGUF):
        return {}
    try:
        if model.extension == _GGUF:
            with open(model.path, "rb") as content:
                return dict(read_gguf(content, os.fstat(content.fileno()).st_size).metadata)
        with safetensors.safe_open(model.path, framework="pt") as file:
            return dict(file.metadata() or {})
    except UnreadableHeader as error:
        raise ModelNotLoadable(error.reason, model.name, lasting=True) from error
    except (OSError, safetensors.SafetensorError) as error:
        raise _unreadable(model, error) from error


def read_weights(
    model: ModelRecord,
    *,
    dtype: torch.dtype = torch.float32,
    tick: Callable[[], None] = lambda: None,
) -> Weights:
    """Return every tensor of the file by name; see `Weights`.

    The names and shapes are those of a plain file of the same model, also for GGUF and for
    ComfyUI's quantised layers.

    Those of a checkpoint have the names of the original code: `domain.checkpoints.arranged` chooses
    them, as it does for listing.

    Args:
        model: The model of the file.
        dtype: The precision of what is stored as codes, or in 8 bits.
        tick: Called now and then. An exception of it ends the reading.

    Raises:
        ModelNotLoadable: The file is corrupt, holds no tensors, or names more bytes than it has.
    """
    try:
        weights = Weights(_stored(model, tick), dtype)
        places = arrangement_of(weights.facts).places
        return weights if places is None else weights.arranged(places)
    except DomainError:
        raise
    except UnreadableHeader as error:
        raise ModelNotLoadable(error.reason, model.name, lasting=True) from error
    except Exception as error:  # libraries may raise anything for a broken file
        if is_out_of_memory(error):
            raise
        raise _unreadable(model, error) from error


def _stored(model: ModelRecord, tick: Callable[[], None]) -> Mapping[str, torch.Tensor | Made]:
    if model.extension == _GGUF:
        return read_gguf_tensors(model.name, model.path, tick)
    if model.extension == _SAFETENSORS:
        stored = safetensors.torch.load_file(model.path)
    else:
        stored = dict(read_torch_weights(model.name, model.path, tick=tick))
    facts = tensor_facts(stored)
    markers = {name: stored[name].numpy().tobytes() for name in marker_names(facts)}
    found = quantisation_of_file(facts, read_metadata(model), markers)
    if found is None:
        return stored
    if found.fault is not None:
        raise ModelNotLoadable(found.fault, model.name, lasting=True)
    made = made_layers(found.layers, stored, tick)
    return {name: made.get(name, each) for name, each in stored.items() if name not in found.aside}


def tensor_facts(tensors: Mapping[str, torch.Tensor]) -> dict[str, TensorFacts]:
    """Return the type and the shape of each tensor, as the header of a file tells them."""
    if isinstance(tensors, Weights):
        return tensors.facts
    return {
        name: TensorFacts(str(each.dtype).removeprefix("torch."), tuple(each.shape))
        for name, each in tensors.items()
    }


def is_finite(tensor: torch.Tensor) -> bool:
    """Return whether a tensor with numbers holds neither NaN nor infinity.

    The sum of the squares is finite only if every number is. It takes a fifth of the time of any
    other test on a CPU. Large numbers can make it infinite, so that result proves nothing. Then the
    least and the largest number decide: NaN is the least and the largest of any numbers.
    """
    if is_float8(tensor.dtype):
        tensor = tensor.to(torch.bfloat16)  # exact
    if tensor.dtype in _WITH_PRODUCTS and tensor.is_contiguous():
        numbers = tensor.view(-1)
        if bool(torch.isfinite(torch.dot(numbers, numbers))):
            return True
    return bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all())


def _unreadable(model: ModelRecord, error: Exception) -> ModelNotLoadable:
    return ModelNotLoadable(
        f"it cannot be read: {brief(error)}", model.name, lasting=is_permanent(error)
    )
