"""Where models lie in folders."""

import os
from collections.abc import Iterator

from adapters.filesystem.scan_warnings import ScanWarnings

__all__ = ["EXTENSIONS", "INDEX", "device_of", "extension_of", "model_paths", "part_paths"]

INDEX = "model_index.json"
"""The file that makes a folder one model."""
EXTENSIONS = frozenset({".ckpt", ".pt", ".pth", ".bin", ".safetensors"})


def extension_of(path: str) -> str:
    """The extension in lower case, with its dot."""
    return os.path.splitext(path)[1].lower()


def device_of(folder: str) -> int | None:
    """The number of the file system that a folder is on; None where there is no folder."""
    try:
        return os.stat(folder).st_dev
    except OSError:
        return None


def model_paths(folder: str, warnings: ScanWarnings) -> Iterator[str]:
    """Each file below `folder` that ends like a model, and each folder with an `INDEX`.

    What such a folder holds is part of it, so no path below it comes. Links are followed, loops
    end. What cannot be listed is left out, with a warning.
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
    """Each file of the model that `folder` is, from there, with `/`; hidden ones do not count."""
    for parent, folders, names in _walk(folder, warnings):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                yield os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")


def _note_lost_folders(parent: str, names: list[str], warnings: ScanWarnings) -> None:
    """Note links that lead nowhere now, where there may have been a folder with models."""
    for name in names:
        path = os.path.join(parent, name)
        is_file = extension_of(name) in EXTENSIONS  # which is looked at anyway
        if not is_file and os.path.islink(path) and not os.path.exists(path):
            warnings.unread(path, f"{path!a} is left out: the link leads nowhere")


def _walk(folder: str, warnings: ScanWarnings) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk`, in order, through links, into each folder once."""

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
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        yield parent, folders, sorted(names)
