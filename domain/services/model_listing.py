"""What a look at the models has found, and what it has missed."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from domain.models.record import ModelRecord, PendingModel
from domain.ports.model_source import ModelScan

__all__ = ["Listing", "Missed", "by_id_of", "still_missed"]


@dataclass(frozen=True, slots=True)
class Missed:
    """A model that was there before, and since when it is not, by the registry's clock."""

    model: ModelRecord
    since: float


@dataclass(frozen=True, slots=True)
class Listing:
    """What the last look found, and the models that it missed and a later one may find again.

    Attributes:
        by_id: Those that were found.
        missed: Those that were not, and may be.
        unread_since: Since when there is something that can not be looked at; None for nothing.
        pending: Files that are there and not listed yet.
    """

    by_id: Mapping[str, ModelRecord] = field(default_factory=dict)
    missed: Mapping[str, Missed] = field(default_factory=dict)
    unread_since: float | None = None
    pending: tuple[PendingModel, ...] = ()


def still_missed(unlisted: Iterable[Missed], scan: ModelScan) -> Mapping[str, Missed]:
    """Those of the models that may still lie where they lay, or be what is pending, by id.

    A pending file of a model's size may be it by another name: the same bytes have the same size.
    """
    pending = {each.path for each in scan.pending}
    sizes = {each.size for each in scan.pending}
    unread = {PurePath(path) for path in scan.unread}
    above_unread = {parent for path in unread for parent in path.parents}

    def may_be_there(model: ModelRecord) -> bool:
        paths = {PurePath(path) for path in model.paths}
        above = {parent for path in paths for parent in path.parents}
        if unread & (paths | above) or above_unread & paths:
            return True
        return model.size in sizes or not pending.isdisjoint(model.paths)

    return {each.model.id: each for each in unlisted if may_be_there(each.model)}


def by_id_of(records: Iterable[ModelRecord]) -> Mapping[str, ModelRecord]:
    """Files with the same bytes are one model, at the first of their paths."""
    same: dict[str, list[ModelRecord]] = {}
    for record in sorted(records, key=lambda record: record.path):
        same.setdefault(record.id, []).append(record)
    return {
        model_id: dataclasses.replace(first, aliases=tuple(each.path for each in others))
        for model_id, (first, *others) in same.items()
    }
