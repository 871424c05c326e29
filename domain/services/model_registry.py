"""Which models there are."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.errors import ModelNotFound
from domain.models import ModelRecord
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
        """Scan the source. Of several files with the same bytes the first path is kept."""
        found = sorted(self._source.scan(), key=lambda record: record.path)
        by_id: dict[str, ModelRecord] = {}
        for record in found:
            by_id.setdefault(record.id, record)
        self._by_id = MappingProxyType(by_id)

    @property
    def scanned(self) -> bool:
        """Whether a first scan has finished."""
        return self._by_id is not None

    def models(self) -> tuple[ModelRecord, ...]:
        """All models, sorted by path."""
        return tuple((self._by_id or {}).values())

    def get(self, model_id: str) -> ModelRecord:
        """The model with this id, in lower or upper case. Raises ModelNotFound."""
        record = (self._by_id or {}).get(model_id.lower())
        if record is None:
            raise ModelNotFound(model_id.lower())
        return record
