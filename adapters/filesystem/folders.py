"""Where models are in folders."""

import os
from collections.abc import Iterator

from adapters.filesystem.scan_warnings import ScanWarnings

__all__ = [
    "EXTENSIONS",
    "INDEX",
    "MOST_DEPTH",
    "device_of",
    "extension_of",
    "model_paths",
    "part_paths",
]

INDEX = "model_index.json"
"""The file that makes a folder one model."""
MOST_DEPTH = 32
"""Levels of sub-folders that are scanned. `os.walk` of Python 3.11 calls itself for each level, and
raises RecursionError some 1,000 levels deep.
"""
EXTENSIONS = frozenset({".ckpt", ".gguf", ".pt", ".pth", ".bin", ".safetensors"})


def extension_of(path: str) -> str:
    """Return the extension in lower case, with its dot."""
    return os.path.splitext(path)[1].lower()


def device_of(folder: str) -> int | None:
    """Return the number of the file system that a folder is on; None if there is no folder."""
    try:
        return os.stat(folder).st_dev
    except OSError:
        return None


def model_paths(folder: str, warnings: ScanWarnings) -> Iterator[str]:
    """Yield each file below `folder` with a model's extension, and each folder with an `INDEX`.

    A folder with an `INDEX` is one model, so no path below it is yielded. Links are followed, loops
    end. Paths that cannot be listed are skipped, with a warning.
    """
    if not os.path.isdir(folder):
        warnings.unread(folder, f"the model folder {folder} is not there")
        return
    for parent, folders, names in _walk(folder, warnings):
        if INDEX in names:
            folders.clear()
            found = [parent.rstrip("/")]
        else:
            found = [
                os.path.join(parent, name) for name in names if extension_of(name) in EXTENSIONS
            ]
            _note_lost_folders(parent, names, warnings)
        for path in found:
            try:
                path.encode()
            except UnicodeEncodeError:  # it could not be listed as JSON
                warnings.warn(f"{path!a} is left out: its name is not UTF-8")
            else:
                yield path


def part_paths(folder: str, warnings: ScanWarnings) -> Iterator[str]:
    """Yield each file of the model in `folder`, relative to it, with `/`; skip hidden ones."""
    for parent, folders, names in _walk(folder, warnings):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                yield os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")


def _note_lost_folders(parent: str, names: list[str], warnings: ScanWarnings) -> None:
    """Report dangling links, which may have led to folders with models."""
    for name in names:
        path = os.path.join(parent, name)
        is_file = extension_of(name) in EXTENSIONS  # this path is checked anyway
        if not is_file and os.path.islink(path) and not os.path.exists(path):
            warnings.unread(path, f"{path!a} is left out: the link leads nowhere")


def _walk(folder: str, warnings: ScanWarnings) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk like `os.walk`, in order, through links, into each folder once, down to a depth."""

    def unreadable(error: OSError) -> None:
        warnings.unread(error.filename, f"{error.filename} is left out: {error.strerror}")

    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        try:
            status = os.stat(parent)
        except OSError as error:
            unreadable(error)
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:  # a link to a parent folder
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        if folders and os.path.relpath(parent, folder).count(os.sep) + 1 >= MOST_DEPTH:
            warnings.warn(f"what lies deeper than {parent} is left out: {MOST_DEPTH} folders deep")
            folders.clear()
        folders.sort()
        yield parent, folders, sorted(names)
