"""A model source that holds what a test puts in."""

import dataclasses
import hashlib
import threading

from domain.models.record import ModelKind, ModelRecord, PendingModel
from domain.ports.model_source import ModelScan, ModelSource

__all__ = ["FakeModelSource", "model_record"]


def model_record(content: bytes = b"weights", path: str = "models/a.safetensors") -> ModelRecord:
    """Return the record of a file with this content at this path."""
    name = path.rsplit("/", 1)[-1]
    record = ModelRecord(
        id=hashlib.sha256(content).hexdigest(),
        name=name,
        size=len(content),
        path=path,
        extension="." + name.rsplit(".", 1)[-1].lower(),
    )
    if content:
        return record
    reason = "the file is empty; copy it again"
    return dataclasses.replace(record, kind=ModelKind.UNKNOWN, reason=reason)


class FakeModelSource(ModelSource):
    """Files by path, with their contents, in memory.

    Attributes:
        files: The files.
        others: Further records, returned unchanged.
        pending: Files that are not listed yet.
        settled: Whether none of the pending files is worth waiting for.
        away: Folders that cannot be listed now, with their content.
        closed: Set by `close`.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.others: tuple[ModelRecord, ...] = ()
        self.pending: tuple[PendingModel, ...] = ()
        self.settled = True
        self.away: set[str] = set()
        self.closed = threading.Event()

    def scan(self) -> ModelScan:
        models = [
            model_record(content, path)
            for path, content in self.files.items()
            if path.rpartition("/")[0] not in self.away
        ]
        return ModelScan(
            (*models, *self.others),
            self.pending,
            settled=self.settled,
            unread=tuple(sorted(self.away)),
        )

    def wait(self, seconds: float) -> None:
        self.closed.wait(seconds)

    def close(self) -> None:
        self.closed.set()
