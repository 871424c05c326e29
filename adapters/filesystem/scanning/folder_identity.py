"""What the bytes of a diffusers folder are."""

import dataclasses
import hashlib
import os

from adapters.filesystem.classification.folders import MAX_TEXT_BYTES, classify_folder
from adapters.filesystem.folders import EXTENSIONS, extension_of
from adapters.filesystem.headers.reading import LONGEST_POINTER, POINTER, IncompleteFile, is_pointer
from adapters.filesystem.headers.values import shown
from adapters.filesystem.scanning.identity import Identity, Reading, identify_file
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.scanning.on_disk import Found
from domain.models.record import ModelPart

__all__ = ["identify_folder"]


def identify_folder(
    found: Found, reading: Reading, cache: IdentityCache | None, *, stalled: bool = False
) -> Identity | None:
    """Read every file of a folder, but for those whose bytes the cache knows.

    The id is the SHA-256 of what `sha256sum` prints for the files, sorted by path.

    Args:
        found: The folder.
        reading: How far it is.
        cache: What earlier runs learnt of its files.
        stalled: Whether a file that is not whole is taken as it is.

    Returns:
        None when a file changed or `reading` was cancelled.

    Raises:
        IncompleteFile: a file's header promises more bytes than there are; the reason names it.
        OSError: a file can not be read.
    """
    lines, faults = hashlib.sha256(), {}
    for part in found.parts:
        path = os.path.join(found.path, part.path)
        known = None if cache is None else cache.get(path, part.stamp)
        if known is None:
            known = _identified(part, path, reading, stalled=stalled)
            if known is None:
                return None
            if cache is not None:
                cache.put(path, part.stamp, known)
        else:
            reading.hashed += part.stamp.size
        lines.update(f"{known.digest}  {part.path}\n".encode())
        fault = known.classification.fault
        if fault is not None and extension_of(part.path) in EXTENSIONS:
            faults[part.path] = fault
        elif part.stamp.size <= LONGEST_POINTER and is_pointer(_text(found.path, part.path)):
            faults[part.path] = POINTER
    classification = classify_folder(
        frozenset(part.path for part in found.parts), lambda path: _text(found.path, path), faults
    )
    if classification.reason is None and (unfinished := found.unfinished_download) is not None:
        reason = f"its download is not finished: {shown(unfinished)}; finish it, or remove the file"
        classification = dataclasses.replace(classification, loadable=False, reason=reason)
    return Identity(lines.hexdigest(), classification)


def _identified(part: ModelPart, path: str, reading: Reading, *, stalled: bool) -> Identity | None:
    try:
        return identify_file(path, part.stamp, reading, stalled=stalled)
    except IncompleteFile as error:
        error.reason = f"{shown(part.path)}: {error.reason}"
        raise


def _text(folder: str, path: str) -> bytes:
    with open(os.path.join(folder, path), "rb") as file:
        return file.read(MAX_TEXT_BYTES)
