"""The identity of a diffusers folder, from its bytes."""

import dataclasses
import hashlib
import io
import os
from collections.abc import Mapping

from adapters.filesystem.classification.files import Classification
from adapters.filesystem.classification.folders import classify_folder
from adapters.filesystem.folders import EXTENSIONS, extension_of
from adapters.filesystem.headers.reading import LONGEST_POINTER, POINTER, IncompleteFile, is_pointer
from adapters.filesystem.headers.values import shown
from adapters.filesystem.plain_files import opened_plain
from adapters.filesystem.scanning.identity import Identity, Reading, identify_file
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.scanning.on_disk import Found
from domain.checkpoints.folder_weights import used_weights
from domain.checkpoints.pipelines import DROPPED_PARTS
from domain.models.record import FileStamp, ModelPart

__all__ = ["identify_folder"]

_NO_STAMP = FileStamp(device=0, inode=0, size=0, modified_ns=0, changed_ns=0)


def identify_folder(
    found: Found, reading: Reading, cache: IdentityCache | None, *, stalled: bool = False
) -> Identity | None:
    """Read every file of a folder, except those whose hash is in the cache.

    The id is the SHA-256 of the output of `sha256sum` for the files, sorted by path.

    Args:
        found: The folder.
        reading: The progress.
        cache: The identities of its files from earlier runs.
        stalled: Whether an incomplete file is accepted.

    Returns:
        None if a file changed or `reading` was cancelled.

    Raises:
        IncompleteFile: a file's header promises more bytes than there are; the reason names it.
        OSError: a file cannot be read.
    """
    lines, faults, parameters = hashlib.sha256(), {}, {}
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
        parameters[part.path] = known.classification.parameters or 0
    digest = lines.hexdigest()
    classification = dataclasses.replace(
        _classification(found, digest, faults, cache), parameters=_loaded(parameters)
    )
    if classification.reason is None and (unfinished := found.unfinished_download) is not None:
        reason = f"its download is not finished: {shown(unfinished)}; finish it, or remove the file"
        classification = dataclasses.replace(classification, loadable=False, reason=reason)
    return Identity(digest, classification)


def _loaded(parameters: Mapping[str, int]) -> int | None:
    """Return the parameters of the weights files that a load reads, by those of every file."""
    folders: dict[str, dict[str, int]] = {}
    for path, count in parameters.items():
        folder, _, name = path.rpartition("/")
        if folder and "/" not in folder and folder not in DROPPED_PARTS:
            folders.setdefault(folder, {})[name] = count
    return sum(files[name] for files in folders.values() for name in used_weights(files)) or None


def _identified(part: ModelPart, path: str, reading: Reading, *, stalled: bool) -> Identity | None:
    try:
        return identify_file(path, part.stamp, reading, stalled=stalled)
    except IncompleteFile as error:
        error.reason = f"{shown(part.path)}: {error.reason}"
        raise


def _classification(
    found: Found, digest: str, faults: Mapping[str, str], cache: IdentityCache | None
) -> Classification:
    """Return the folder's classification. It depends only on the bytes, so the cache keeps it by
    digest.
    """
    place = os.path.join(found.path, digest)
    known = None if cache is None else cache.get(place, _NO_STAMP)
    if known is not None and known.digest == digest:
        return known.classification
    pointers = {
        part.path: POINTER
        for part in found.parts
        if part.stamp.size <= LONGEST_POINTER
        and extension_of(part.path) not in EXTENSIONS
        and is_pointer(_start_of(found.path, part.path, LONGEST_POINTER))
    }
    classification = classify_folder(
        {part.path: part.stamp.size for part in found.parts},
        lambda path, most: _start_of(found.path, path, most),
        {**faults, **pointers},
    )
    if cache is not None:
        cache.put(place, _NO_STAMP, Identity(digest, classification))
    return classification


def _start_of(folder: str, path: str, most: int) -> bytes:
    with io.BufferedReader(opened_plain(os.path.join(folder, path))) as file:
        return file.read(most)
