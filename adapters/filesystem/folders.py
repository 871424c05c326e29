"""The model files in folders, by path."""

import os
from collections.abc import Callable, Iterator

__all__ = ["EXTENSIONS", "extension_of", "model_paths"]

EXTENSIONS = frozenset({".ckpt", ".pt", ".pth", ".bin", ".safetensors"})


def extension_of(path: str) -> str:
    """The extension in lower case, with its dot."""
    return os.path.splitext(path)[1].lower()


def model_paths(folder: str, complain: Callable[[str], None]) -> Iterator[str]:
    """Each path below `folder` that ends like a model file; links are followed, loops end.

    What can not be listed is told to `complain` and left out.
    """
    if not os.path.isdir(folder):
        complain(f"the model folder {folder} is not there")
        return

    def unreadable(error: OSError) -> None:
        complain(f"{error.filename} is left out: {error.strerror}")

    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        try:
            status = os.stat(parent)
        except OSError:
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        for name in sorted(names):
            if extension_of(name) not in EXTENSIONS:
                continue
            path = os.path.join(parent, name)
            try:
                path.encode()
            except UnicodeEncodeError:  # it could not be listed as JSON
                complain(f"{path!a} is left out: its name is not UTF-8")
            else:
                yield path
