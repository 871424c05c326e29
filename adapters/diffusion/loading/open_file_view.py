"""A temporary folder that leads only to the open files of a model's folder.

A loader reads whatever lies in the folder that it is given. In this folder it finds the files that
the model's id names, under their own names. They are the files that are held open, so a file that
was added or replaced later cannot be read. Files that a loader might run, or follow to a hub, are
left out.
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

# Every reader reads these files as a whole. A copy cannot change between its check and its use, and
# it has a reading position of its own.
_COPIED = frozenset({".json", ".txt", ".model", ".jinja"})
_COPIED_BYTES = 64 * 2**20
_LINKED = frozenset({".safetensors", ".bin"})
# If peft is installed, transformers follows this file to a base model on a hub.
_LEFT_OUT = frozenset({"adapter_config.json"})


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A file that is held open: its path below the model's folder, its stamp, its descriptor."""

    path: str
    stamp: FileStamp | None
    descriptor: int


def check_part_paths(model: ModelRecord) -> None:
    """Check that the path of each part leads to a file inside the model's folder.

    Raises:
        ModelNotLoadable: A path is absolute, or it has an empty piece, `.`, `..` or a null byte.
    """
    for part in model.parts:
        pieces = part.path.split("/")
        if not {"", ".", ".."}.isdisjoint(pieces) or "\0" in part.path:
            raise ModelNotLoadable(
                f"it has a file at {part.path!r}; a path must lie inside the folder", model.name
            )


def own_path(descriptor: int) -> str | None:
    """Return a path that leads to an open file even if the file is renamed or deleted.

    None on other systems than Linux. There /dev/fd shares one reading position among all readers,
    so torch would begin to read a file where `zipfile` stopped.
    """
    path = f"/proc/self/fd/{descriptor}"
    return path if os.path.exists(path) else None


@contextmanager
def mirrored(root: str, parts: Iterable[OpenPart]) -> Iterator[str]:
    """Yield a temporary folder with the configuration and weight files of `parts`.

    Configurations and vocabularies are copies. Weights are links to the open files. On other
    systems than Linux, weights are links to the paths below `root`. There a replaced file changes
    the picture, and the stamp of the open file does not show it.
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
    """Return a file's content from its start, at most one byte more than may be copied."""
    pieces, at = [], 0
    while at <= _COPIED_BYTES and (piece := os.pread(descriptor, _COPIED_BYTES + 1 - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)
