"""The result of a scan of the models: the models it found, and those it missed."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath

from domain.models.record import ModelKind, ModelRecord, PendingModel, PendingState
from domain.ports.model_source import ModelScan

__all__ = ["Listing", "Missed", "by_id_of", "can_draw_alone", "still_missed", "unfinished"]


@dataclass(frozen=True, slots=True)
class Missed:
    """A model of an earlier scan that is missing, and since when, by the registry's clock."""

    model: ModelRecord
    since: float


@dataclass(frozen=True, slots=True)
class Listing:
    """The models that the last scan found, and the missed models that a later scan may find.

    Attributes:
        found: The models that were found, as their files tell them.
        by_id: The same models, complete.
        missed: The models that were missed and may be found again.
        unread_since: Since when a file or folder cannot be read; None if everything can be read.
        pending: Files that were found and are not listed yet.
    """

    found: Mapping[str, ModelRecord] = field(default_factory=dict)
    by_id: Mapping[str, ModelRecord] = field(default_factory=dict)
    missed: Mapping[str, Missed] = field(default_factory=dict)
    unread_since: float | None = None
    pending: tuple[PendingModel, ...] = ()


def still_missed(unlisted: Iterable[Missed], scan: ModelScan) -> Mapping[str, Missed]:
    """Return the models that may still be at their path, or may be a pending file, by id.

    A pending file with the size of a model may be that model under another name.
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
    """Return the models by id. Files with the same bytes are one model, at their first path."""
    same: dict[str, list[ModelRecord]] = {}
    for record in sorted(records, key=lambda record: record.path):
        same.setdefault(record.id, []).append(record)
    return {
        model_id: dataclasses.replace(first, aliases=tuple(each.path for each in others))
        for model_id, (first, *others) in same.items()
    }


def unfinished(pending: Iterable[PendingModel], names: Iterable[str]) -> str:
    """Return a sentence about a file with one of these names that is not complete, or nothing."""
    wanted = set(names)
    for each in pending:
        is_named = not wanted.isdisjoint((each.path, each.name, PurePosixPath(each.name).stem))
        if is_named and each.state is PendingState.SETTLING:
            return f"{each.name} is not listed yet: {each.reason or 'it is being written'}"
    return ""


def can_draw_alone(model: ModelRecord) -> bool:
    """Return whether a request can name the model as the one that draws."""
    return model.loadable and model.kind is ModelKind.CHECKPOINT
