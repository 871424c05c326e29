"""Reads tensors from a file that `torch.save` wrote. It maps the file and never unpickles it.

`domain.checkpoints` reads the pickle without running anything. This module turns the bytes into
tensors. A tensor is a view of the mapped file, so no more memory is used than the file has bytes.
"""

import os
from collections.abc import Callable
from typing import BinaryIO

import torch

from domain.checkpoints.header_values import DTYPE_BITS, UnreadableHeader
from domain.checkpoints.pickles.stored_tensors import Storage
from domain.checkpoints.pickles.torch_file import TorchFile, read_torch_file
from domain.errors import ModelNotLoadable

__all__ = ["check_torch_file", "read_torch_weights"]


def read_torch_weights(
    name: str, path: str, *, tick: Callable[[], None] = lambda: None
) -> dict[str, torch.Tensor]:
    """Return every tensor of the file by name. The tensors are on the CPU, mapped from the file.

    Args:
        name: The name of the model, for messages.
        path: The path of the file.
        tick: Called between tensors. An exception of it ends the reading.

    Raises:
        ModelNotLoadable: The file is corrupt, holds no tensors, or asks for more than it holds.
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = _checked(name, file, size)
    whole = torch.UntypedStorage.from_file(path, False, size)
    storages: dict[str, torch.UntypedStorage] = {}
    tensors: dict[str, torch.Tensor] = {}
    for key, stored in content.tensors.items():
        tick()
        storage = stored.storage
        if storage.key not in storages:
            storages[storage.key] = _part(whole, content.positions[storage.key], storage)
        tensor = torch.empty(0, dtype=getattr(torch, stored.dtype))
        tensors[key] = tensor.set_(
            storages[storage.key], stored.offset, stored.shape, stored.strides
        )
    return tensors


def check_torch_file(name: str, path: str) -> None:
    """Check that a file holds only tensors, so that `torch.load(weights_only=True)` may read it.

    Raises:
        ModelNotLoadable: The file holds or asks for something else. The message says what.
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        _checked(name, file, os.fstat(file.fileno()).st_size, only_tensors=True)


def _checked(name: str, file: BinaryIO, size: int, *, only_tensors: bool = False) -> TorchFile:
    try:
        content = read_torch_file(file, size)
    except UnreadableHeader as error:
        raise ModelNotLoadable(f"it cannot be read: {error}", name, lasting=True) from error
    if content.unsafe_globals or content.unsupported:
        first = (*content.unsafe_globals, *content.unsupported)[0]
        raise ModelNotLoadable(
            f"it is a pickle that asks for {first[:80]!a}; nothing in it was run. "
            "A .safetensors file of the same model is safe by its form",
            name,
            lasting=True,
        )
    if only_tensors and content.others:
        raise ModelNotLoadable(
            f"it is a pickle that names {content.others[0][:80]!a} beside its tensors; "
            "save them again as .safetensors",
            name,
            lasting=True,
        )
    if not content.tensors:
        raise ModelNotLoadable("it holds no table of named tensors", name, lasting=True)
    return content


def _part(whole: torch.UntypedStorage, position: int, storage: Storage) -> torch.UntypedStorage:
    part = whole[position : position + storage.size]
    # Compiled code may need aligned data. Files from before torch 1.6 do not align theirs.
    is_aligned = position % max(1, DTYPE_BITS[storage.dtype] // 8) == 0
    return part if is_aligned else part.clone()
