"""The tensors of a GGUF file.

The library gguf turns blocks of codes into numbers, some rows at a time. The header is read by this
project's own reader, because the library believes what a header claims.
"""

import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from adapters.diffusion.loading.quantised.view import Made
from domain.checkpoints.quantised.gguf import GgufTensor, read_gguf
from domain.errors import ModelNotLoadable

__all__ = ["read_gguf_tensors"]

_NUMBERS_AT_ONCE = 2**18
"""They and the steps between fit the cache of a core. On a core of an AMD EPYC, gguf makes 470
million numbers of Q4_K a second so, 90 million with 2**21 at once, and 75 million with a row for
each block."""


def read_gguf_tensors(
    name: str, path: str, tick: Callable[[], None]
) -> dict[str, torch.Tensor | Made]:
    """Return the tensors of a file, by their names in a plain file of the same model.

    Args:
        name: The name of the model, for messages.
        path: The path of the file.
        tick: Called now and then while a tensor is made. An exception of it ends the loading.

    Raises:
        ModelNotLoadable: A tensor has codes that cannot be read, or gguf is not installed.
        UnreadableHeader: The header makes no sense.
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        found = read_gguf(file, size)
        if found.end > size:
            raise ModelNotLoadable(f"it has {size:,} of {found.end:,} bytes", name, lasting=True)
        if found.quantisation.fault is not None:
            raise ModelNotLoadable(found.quantisation.fault, name, lasting=True)
        # A private map can be written to, as torch wants; nothing here writes.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return {each: _tensor(tensor, content, name, tick) for each, tensor in found.tensors.items()}


def _tensor(
    tensor: GgufTensor, content: mmap.mmap, name: str, tick: Callable[[], None]
) -> torch.Tensor | Made:
    if 0 in tensor.shape:
        return torch.zeros(tensor.shape, dtype=torch.float32)
    stored = torch.frombuffer(content, dtype=torch.uint8, count=tensor.size, offset=tensor.position)
    if tensor.type.dtype is None:
        make = _dequantiser(tensor.type.name, name)
        return Made(tensor.shape, lambda dtype: _made(tensor, stored, make, dtype, tick))
    plain = stored.view(getattr(torch, tensor.type.dtype)).reshape(tensor.shape)
    if tensor.added:
        return Made(tensor.shape, lambda dtype: (plain.to(torch.float32) - tensor.added).to(dtype))
    return plain


def _made(
    tensor: GgufTensor,
    stored: torch.Tensor,
    make: Callable[[np.ndarray], np.ndarray],
    dtype: torch.dtype,
    tick: Callable[[], None],
) -> torch.Tensor:
    weight = torch.empty(tensor.shape, dtype=dtype)
    numbers = weight.reshape(-1, tensor.type.block)
    blocks = stored.reshape(-1, tensor.type.size)
    step = _NUMBERS_AT_ONCE // tensor.type.block
    for begin in range(0, len(blocks), step):
        tick()
        piece = torch.from_numpy(make(blocks[begin : begin + step].reshape(1, -1).numpy()))
        piece = piece.reshape(-1, tensor.type.block)
        numbers[begin : begin + step] = piece - tensor.added if tensor.added else piece
    return weight


def _dequantiser(type_name: str, name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what makes float32 of the bytes of blocks, all in one row."""
    try:
        import gguf
    except ImportError as error:
        raise ModelNotLoadable(
            "its codes take the library gguf; install it with pip install 'ai-inference[gguf]'",
            name,
        ) from error
    kind = gguf.GGMLQuantizationType[type_name]

    def make(blocks: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # codes of a broken file may overflow
            numbers: Any = gguf.quants.dequantize(blocks, kind)
        return numbers

    return make
