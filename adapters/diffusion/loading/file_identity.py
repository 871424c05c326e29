"""Checks that a pipeline is built from the bytes that the model's id names.

The registry hashes an open file. It takes the file's stamp (device, inode, size, mtime, ctime)
before the first byte and after the last, at least a second after the file's last change. This
module opens the file again. It compares the stamp before the first tensor is read and after the
last.

Equal stamps prove equal bytes:

- The same device and inode are the same file. The file is held open, so no other file can take its
  place.
- A write sets the ctime of a file to the present, and no program can set it back. The present is
  more than a second after the ctime in the stamp. The clock of a file system is far finer than
  that. So nobody wrote to the file between the first byte that was hashed and the last that was
  read.
- The tensors are copied out of the file before the second comparison. So a later write cannot reach
  a loaded pipeline.

Every part of a folder is held open in the same way, with its own stamp. The loader reads a mirror
of the folder, which leads to those open files alone.

Three cases are not covered: a program that mapped the file for writing before it was hashed,
because the kernel need not record each write; a file system that reports false times; and another
file system in the place of the one whose file an earlier run hashed (see `IdentityCache`).
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

__all__ = ["copy_mapped_tensors", "proven"]


@contextmanager
def proven(model: ModelRecord) -> Iterator[ModelRecord]:
    """Yield the model with a path that leads to the very files that its id names.

    If the model is a folder, the path is a temporary folder with only the files that the id names.
    The members of a set get such paths too.

    Raises:
        ModelChanged: A file is another one, or it is written to before the block ends. This error
            replaces an error of the block, because half a file explains any error.
        ModelNotLoadable: The path of a part leads out of the folder.
    """
    check_part_paths(model)
    with ExitStack() as held:
        files = [
            OpenPart(path, stamp, _opened(model, place, held))
            for path, place, stamp in _named_files(model)
        ]
        _check(model, files)
        try:
            yield _at_stable_paths(model, files, held)
        except Exception as error:
            _check(model, files, cause=error)
            raise
        _check(model, files)


def copy_mapped_tensors(
    modules: Iterable[torch.nn.Module], weights: Iterable[torch.Tensor]
) -> None:
    """Copy each tensor of `modules` that shares its memory with one of the mapped `weights`."""
    mapped = {tensor.untyped_storage().data_ptr() for tensor in weights}
    for module in modules:
        tensors: list[Any] = [*module.parameters(), *module.buffers()]
        for tensor in tensors:
            if tensor.untyped_storage().data_ptr() in mapped:
                tensor.data = tensor.data.clone()


def _named_files(model: ModelRecord) -> list[tuple[str, str, FileStamp | None]]:
    """Return the path inside the model, the path to open, and the stamp of each file."""
    if model.members:
        return [("", member.path, member.stamp) for member in model.members]
    if model.parts:
        return [
            (part.path, os.path.join(model.path, part.path), part.stamp) for part in model.parts
        ]
    return [("", model.path, model.stamp)]


def _opened(model: ModelRecord, path: str, held: ExitStack) -> int:
    # Opening a named pipe waits for a writer, unless the open is non-blocking.
    try:
        descriptor = os.open(path.rstrip("/"), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelChanged(model.name) from error
    held.callback(os.close, descriptor)
    return descriptor


def _at_stable_paths(model: ModelRecord, files: Sequence[OpenPart], held: ExitStack) -> ModelRecord:
    if model.members:
        members = tuple(
            dataclasses.replace(member, path=own_path(file.descriptor) or member.path)
            for member, file in zip(model.members, files, strict=True)
        )
        return dataclasses.replace(model, path=members[0].path, members=members)
    if model.parts:
        return dataclasses.replace(model, path=held.enter_context(mirrored(model.path, files)))
    return dataclasses.replace(model, path=own_path(files[0].descriptor) or model.path)


def _check(model: ModelRecord, files: Iterable[OpenPart], cause: Exception | None = None) -> None:
    for file in files:
        if file.stamp is not None and FileStamp.of(os.fstat(file.descriptor)) != file.stamp:
            raise ModelChanged(model.name) from cause
