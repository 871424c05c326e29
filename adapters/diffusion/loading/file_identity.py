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

A folder's parts are all held open like that, each with its own stamp, and what is loaded is a
mirror of the folder that leads to those open files and to nothing else.

What it does not cover: a program that had the file mapped for writing since before it was hashed,
where the kernel need not note each write; a file system that reports false times; and, where an
earlier run hashed the file, a file system put in the place of that one (see `IdentityCache`).
"""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from adapters.diffusion.loading.open_file_view import OpenPart, check_part_paths, mirrored, own_path
from domain.errors import ModelChanged
from domain.models.record import FileStamp, ModelRecord

__all__ = ["copied_out_of_the_file", "proven"]


@contextmanager
def proven(model: ModelRecord) -> Iterator[ModelRecord]:
    """The model with a path that leads to the very files that its id names.

    For a folder that is a temporary folder, which holds what the id names and nothing else.

    Raises:
        ModelChanged: a file is another one, or is written to before the block ends. Comes
            before whatever the block raised: half a file explains any error.
        ModelNotLoadable: a part's path leads out of the folder.
    """
    check_part_paths(model)
    with ExitStack() as held:
        files = [
            OpenPart(path, stamp, _opened(model, os.path.join(model.path, path), held))
            for path, stamp in _named_files(model)
        ]
        _check(model, files)
        try:
            yield dataclasses.replace(model, path=held.enter_context(_way_to(model, files)))
        except Exception as error:
            _check(model, files, cause=error)
            raise
        _check(model, files)


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


def _named_files(model: ModelRecord) -> list[tuple[str, FileStamp | None]]:
    if model.parts:
        return [(part.path, part.stamp) for part in model.parts]
    return [("", model.stamp)]


def _opened(model: ModelRecord, path: str, held: ExitStack) -> int:
    # A file that became a named pipe must not make the open wait for a writer.
    try:
        descriptor = os.open(path.rstrip("/"), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelChanged(model.name) from error
    held.callback(os.close, descriptor)
    return descriptor


@contextmanager
def _way_to(model: ModelRecord, files: Sequence[OpenPart]) -> Iterator[str]:
    if model.parts:
        with mirrored(model.path, files) as folder:
            yield folder
    else:
        yield own_path(files[0].descriptor) or model.path


def _check(model: ModelRecord, files: Iterable[OpenPart], cause: Exception | None = None) -> None:
    for file in files:
        if file.stamp is not None and FileStamp.of(os.fstat(file.descriptor)) != file.stamp:
            raise ModelChanged(model.name) from cause
