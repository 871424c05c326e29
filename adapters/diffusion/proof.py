"""That a pipeline is built from the bytes that the model's id names.

The registry hashed an open file and took its stamp (device, inode, size, mtime, ctime) before the
first byte and after the last, at least a second after the file's last change. Here a file is
opened, and its stamp must be that one, before the first tensor is read and after the last.

Why that is sound: the same device and inode are the same file, held open here, so another one can
not take its place under us. A write to it sets its ctime to the present, which no program can set
back; the present is more than a second after the ctime in the stamp, far more than the clock of any
file system is coarse. So with equal stamps nobody wrote between the first byte that was hashed and
the last that was read here, and the bytes are the same. What is read is copied out of the file
before the second look, so a later write can not reach a loaded pipeline.

What it does not cover: a program that had the file mapped for writing since before it was hashed,
where the kernel need not note each write; and a file system that reports false times.
"""

import dataclasses
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from domain.errors import ModelChanged
from domain.models import FileStamp, ModelRecord

__all__ = ["copied_out_of_the_file", "proven"]


@contextmanager
def proven(model: ModelRecord) -> Iterator[ModelRecord]:
    """The model with a path that leads to the very file that its id names.

    Raises:
        ModelChanged: the file is another one, or is written to before the block ends. Comes
            before whatever the block raised: half a file explains any error.
    """
    try:
        descriptor = os.open(model.path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise ModelChanged(model.name) from error
    try:
        _check(model, descriptor)
        own_path = f"/dev/fd/{descriptor}"
        try:
            # Without /dev/fd the path must do: a file that takes the other's place changes it.
            there = os.path.exists(own_path)
            yield dataclasses.replace(model, path=own_path) if there else model
        except Exception as error:
            _check(model, descriptor, cause=error)
            raise
        _check(model, descriptor)
    finally:
        os.close(descriptor)


def copied_out_of_the_file(
    modules: Iterable[torch.nn.Module], weights: Iterable[torch.Tensor]
) -> None:
    """Copy each tensor of `modules` that is still one of `weights`, mapped from a file."""
    mapped = {tensor.untyped_storage().data_ptr() for tensor in weights}
    for module in modules:
        tensors: list[Any] = [*module.parameters(), *module.buffers()]
        for tensor in tensors:
            if tensor.untyped_storage().data_ptr() in mapped:
                tensor.data = tensor.data.clone()


def _check(model: ModelRecord, descriptor: int, cause: Exception | None = None) -> None:
    if model.stamp is not None and FileStamp.of(os.fstat(descriptor)) != model.stamp:
        raise ModelChanged(model.name) from cause
