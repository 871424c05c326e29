"""What the bytes of a diffusers folder are."""

import hashlib
import os

from adapters.filesystem.folder_classification import MAX_TEXT_BYTES, classify_folder
from adapters.filesystem.found import Found
from adapters.filesystem.identity import Identity, Reading, identify_file
from adapters.filesystem.identity_cache import IdentityCache

__all__ = ["identify_folder"]


def identify_folder(found: Found, reading: Reading, cache: IdentityCache | None) -> Identity | None:
    """Read every file of a folder, but for those whose bytes the cache knows.

    The id is the SHA-256 of what `sha256sum` prints for the files, sorted by path.

    Returns:
        None when a file changed or `reading` was cancelled.

    Raises:
        IncompleteFile: a file's header promises more bytes than there are.
        OSError: a file can not be read.
    """
    lines = hashlib.sha256()
    for part in found.parts:
        path = os.path.join(found.path, part.path)
        known = None if cache is None else cache.get(path, part.stamp)
        if known is None:
            known = identify_file(path, part.stamp, reading)
            if known is None:
                return None
            if cache is not None:
                cache.put(path, part.stamp, known)
        else:
            reading.hashed += part.stamp.size
        lines.update(f"{known.digest}  {part.path}\n".encode())
    classification = classify_folder(
        frozenset(part.path for part in found.parts), lambda path: _text(found.path, path)
    )
    return Identity(lines.hexdigest(), classification)


def _text(folder: str, path: str) -> bytes:
    with open(os.path.join(folder, path), "rb") as file:
        return file.read(MAX_TEXT_BYTES)
