"""Which models there are."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from domain.errors import ModelNotFound, ModelNotLoadable
from domain.models import ModelKind, ModelRecord
from domain.ports.model_source import ModelSource

__all__ = ["ModelRegistry"]


class ModelRegistry:
    """The models that the last scan found, by id.

    Any thread may read: a scan builds a new table and puts it in place by one assignment.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._by_id: Mapping[str, ModelRecord] | None = None

    def refresh(self) -> None:
        """Scan the source. Files with the same bytes are one model, at the first of their paths."""
        same: dict[str, list[ModelRecord]] = {}
        for record in sorted(self._source.scan(), key=lambda record: record.path):
            same.setdefault(record.id, []).append(record)
        self._by_id = MappingProxyType(
            {
                model_id: dataclasses.replace(first, aliases=tuple(each.path for each in others))
                for model_id, (first, *others) in same.items()
            }
        )

    @property
    def scanned(self) -> bool:
        """Whether a first scan has finished."""
        return self._by_id is not None

    def models(self, kind: ModelKind | None = None) -> tuple[ModelRecord, ...]:
        """All models, or those of one kind, sorted by path."""
        models = (self._by_id or {}).values()
        return tuple(model for model in models if kind is None or model.kind is kind)

    def get(self, model_id: str) -> ModelRecord:
        """The model with this id, in lower or upper case. Raises ModelNotFound."""
        record = (self._by_id or {}).get(model_id.lower())
        if record is None:
            raise ModelNotFound(model_id.lower())
        return record

    def get_loadable(self, model_id: str) -> ModelRecord:
        """The model with this id, to draw with. Raises ModelNotFound and ModelNotLoadable."""
        record = self.get(model_id)
        if record.reason is not None:
            raise ModelNotLoadable(f"no picture can be drawn with {record.name}: {record.reason}")
        return record
