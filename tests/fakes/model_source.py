"""A model source that holds what a test puts in."""

import hashlib
from collections.abc import Sequence

from domain.models import ModelRecord
from domain.ports.model_source import ModelSource

__all__ = ["FakeModelSource", "model_record"]


def model_record(content: bytes = b"weights", path: str = "models/a.safetensors") -> ModelRecord:
    """The record that a file of this content at this path has."""
    name = path.rsplit("/", 1)[-1]
    return ModelRecord(
        id=hashlib.sha256(content).hexdigest(),
        name=name,
        size=len(content),
        path=path,
        extension="." + name.rsplit(".", 1)[-1].lower(),
    )


class FakeModelSource(ModelSource):
    """Files by path, with their contents, in memory."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})

    def scan(self) -> Sequence[ModelRecord]:
        return [model_record(content, path) for path, content in self.files.items() if content]
