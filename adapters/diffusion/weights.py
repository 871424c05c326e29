"""Tensors from a file, whatever wrote it, without running what it says."""

import pickle
import zipfile
from typing import Any

import safetensors
import safetensors.torch
import torch

from adapters.diffusion.errors import brief, is_of_the_bytes, is_out_of_memory
from domain.errors import ModelNotLoadable
from domain.models import ModelRecord

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


def read_weights(model: ModelRecord) -> dict[str, torch.Tensor]:
    """Every tensor of the file by name, on the CPU, mapped rather than read where that works.

    Raises:
        ModelNotLoadable: the file is corrupt, is no file of tensors, or wants to run code.
    """
    try:
        if model.extension == _SAFETENSORS:
            return safetensors.torch.load_file(model.path)
        # torch maps its zip format alone; the older one is one stream of pickles.
        mappable = zipfile.is_zipfile(model.path)
        content = torch.load(model.path, map_location="cpu", weights_only=True, mmap=mappable)
    except pickle.UnpicklingError as error:
        raise ModelNotLoadable(
            f"{model.name} is corrupt, or a pickle that holds more than tensors; nothing in it "
            "was run. A .safetensors file of the same model is safe by its form",
            lasting=True,
        ) from error
    except Exception as error:  # an unpickler raises whatever the bytes lead it to
        if is_out_of_memory(error):
            raise
        raise _unreadable(model, error) from error
    return _tensors(model, content)


def _tensors(model: ModelRecord, content: Any) -> dict[str, torch.Tensor]:
    while isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise ModelNotLoadable(f"{model.name} holds no table of named tensors", lasting=True)
    return {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}


def _unreadable(model: ModelRecord, error: Exception) -> ModelNotLoadable:
    return ModelNotLoadable(
        f"{model.name} can not be read: {brief(error)}", lasting=is_of_the_bytes(error)
    )
