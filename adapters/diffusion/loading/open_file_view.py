"""A temporary folder that leads to open files of a model's folder, and to nothing else.

A loader that is given a folder's name takes whatever lies in it. Here it finds the files that the
model's id names, the very ones that are held open, under their own names: one that was added or
exchanged since can not be read. What a loader might run, or follow to a hub, is left out.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from domain.errors import ModelNotLoadable
from domain.models.record import FileStamp, ModelRecord

__all__ = ["OpenPart", "check_part_paths", "mirrored", "own_path"]

# Read whole by whoever reads them. A copy can not change between a check of it and its use, nor
# share its reading position with another reader.
_COPIED = frozenset({".json", ".txt", ".model", ".jinja"})
_COPIED_BYTES = 64 * 2**20
_LINKED = frozenset({".safetensors", ".bin"})
# transformers follows it to a base model on a hub, where peft is installed.
_LEFT_OUT = frozenset({"adapter_config.json"})


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A file that is held open: its path from the model's, its stamp, its descriptor."""

    path: str
    stamp: FileStamp | None
    descriptor: int


def check_part_paths(model: ModelRecord) -> None:
    """See that each part's path leads to a file inside the model's folder.

    Raises:
        ModelNotLoadable: one is absolute, or holds `..` or the like.
    """
    for part in model.parts:
        pieces = part.path.split("/")
        if not {"", ".", ".."}.isdisjoint(pieces) or "\0" in part.path:
            raise ModelNotLoadable(
                f"it has a file at {part.path!r}; a path must lie inside the folder", model.name
            )


def own_path(descriptor: int) -> str | None:
    """A path that leads to an open file whatever becomes of its name; None where there is none.

    Linux alone has one: /dev/fd of other systems shares one reading position among all who open
    it, and torch then reads a file from where `zipfile` left it.
    """
    path = f"/proc/self/fd/{descriptor}"
    return path if os.path.exists(path) else None


@contextmanager
def mirrored(root: str, parts: Iterable[OpenPart]) -> Iterator[str]:
    """A temporary folder with the configuration and weight files of `parts`.

    Configurations and vocabularies are copies, weights are links to the open files. Outside of
    Linux they are links to the files' paths below `root`; a file that takes another's place
    changes the picture there, and the stamp of the open file does not tell.
    """
    with tempfile.TemporaryDirectory(prefix="ai-inference-") as folder:
        for part in parts:
            path, suffix = Path(folder, part.path), PurePosixPath(part.path).suffix.lower()
            if path.name in _LEFT_OUT or suffix not in _COPIED | _LINKED:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if suffix in _LINKED:
                real = os.path.abspath(os.path.join(root, part.path))
                path.symlink_to(own_path(part.descriptor) or real)
            elif os.fstat(part.descriptor).st_size <= _COPIED_BYTES:
                path.write_bytes(_content(part.descriptor))
        yield folder


def _content(descriptor: int) -> bytes:
    """At most one byte more than may be copied, wherever the descriptor's position is."""
    pieces, at = [], 0
    while at <= _COPIED_BYTES and (piece := os.pread(descriptor, _COPIED_BYTES + 1 - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)
