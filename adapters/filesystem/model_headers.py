"""Tables of contents of model files and folders, read when they are asked for."""

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from adapters.filesystem.folders import extension_of
from adapters.filesystem.headers.reading import UnreadableHeader, read_header
from adapters.filesystem.plain_files import NotAPlainFile, opened_plain
from domain.checkpoints.folder_weights import used_weights
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.pipelines import DROPPED_PARTS
from domain.checkpoints.sets import components_in, names_of, placed_for
from domain.errors import ModelChanged, ModelNotLoadable
from domain.models.record import FileStamp, ModelRecord
from domain.ports.model_headers import ModelHeaders

__all__ = ["FilesystemModelHeaders"]

_MOST_TENSORS = 150_000
"""Tensors that are kept: those of about sixty checkpoints of SDXL's size, in some 45 MB."""


class FilesystemModelHeaders(ModelHeaders):
    """Reads the header of a file, or of each weights file of a folder or set; keeps the latest.

    Args:
        most_tensors: The most tensors that are kept, those of all kept models together. A model
            with more is read each time.
    """

    def __init__(self, *, most_tensors: int = _MOST_TENSORS) -> None:
        self._most_tensors = most_tensors
        self._kept: OrderedDict[str, Mapping[str, TensorFacts]] = OrderedDict()
        self._lock = threading.Lock()

    def tensors(self, model: ModelRecord) -> Mapping[str, TensorFacts]:
        with self._lock:
            if (known := self._kept.get(model.id)) is not None:
                self._kept.move_to_end(model.id)
                return known
        try:
            tensors = MappingProxyType(dict(_tensors(model)))
        except UnreadableHeader as error:
            raise ModelNotLoadable(
                error.reason, model.name, lasting=True, model_id=model.id
            ) from error
        except (FileNotFoundError, NotADirectoryError, NotAPlainFile) as error:
            raise ModelChanged(model.name, model.id) from error
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or type(error).__name__}"
            raise ModelNotLoadable(reason, model.name, model_id=model.id) from error
        with self._lock:
            self._keep(model.id, tensors)
        return tensors

    def _keep(self, model_id: str, tensors: Mapping[str, TensorFacts]) -> None:
        self._kept[model_id] = tensors
        while sum(map(len, self._kept.values())) > self._most_tensors:
            self._kept.popitem(last=False)


def _tensors(model: ModelRecord) -> Iterator[tuple[str, TensorFacts]]:
    if model.members:
        yield from _of_members(model)
        return
    if model.extension:
        yield from _of_file(model.path, model.stamp, model).items()
        return
    parts: dict[str, dict[str, FileStamp]] = {}
    for each in model.parts:
        folder, _, name = each.path.rpartition("/")
        if folder and "/" not in folder and folder not in DROPPED_PARTS:
            parts.setdefault(folder, {})[name] = each.stamp
    for folder, stamps in parts.items():
        for name in used_weights(stamps):
            path = os.path.join(model.path, folder, name)
            for tensor, facts in _of_file(path, stamps[name], model).items():
                yield f"{folder}/{tensor}", facts


def _of_members(model: ModelRecord) -> Iterator[tuple[str, TensorFacts]]:
    """Yield the tensors of a set as those of a folder, by the names of the files."""
    files = {each.id: each for each in model.members}
    headers = {key: _of_file(each.path, each.stamp, model) for key, each in files.items()}
    needs = () if model.component is None else model.component.needs
    for member in model.members:
        tensors = headers[member.id]
        found = components_in(tensors)
        if (placed := placed_for(member.role, needs, found)) is not None:
            for own, name in names_of(placed, found, tensors).items():
                yield f"{member.role}/{own}", tensors[name]


def _of_file(path: str, stamp: FileStamp | None, model: ModelRecord) -> Mapping[str, TensorFacts]:
    """Return the tensors of a file that had `stamp`. Raise ModelChanged if it has another now."""
    with opened_plain(path) as opened:
        _check(opened, stamp, model)
        size = os.fstat(opened.fileno()).st_size
        with open(opened.fileno(), "rb", closefd=False) as file:
            tensors = read_header(file, size, extension_of(path)).tensors
        _check(opened, stamp, model)
    return tensors


def _check(file: io.FileIO, stamp: FileStamp | None, model: ModelRecord) -> None:
    if stamp is not None and FileStamp.of(os.fstat(file.fileno())) != stamp:
        raise ModelChanged(model.name, model.id)
