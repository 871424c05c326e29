"""The result of a scan of the models: the models it found, and those it missed."""

import dataclasses
from collections.abc import Container, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import PurePath

from domain.models.components import ModelMember
from domain.models.record import ModelKind, ModelRecord, PendingModel
from domain.ports.model_source import ModelScan
from domain.services.listing.model_sets import replaced_sets

__all__ = ["Listing", "Missed", "by_id_of", "can_draw", "next_listing"]


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
        replaced: Sets of earlier scans, by id. Each of their files is still listed, and a better
            file has come for one of them. They are not listed, and can still be named by their id.
        is_reading: Whether files are being read that may be listed soon.
    """

    found: Mapping[str, ModelRecord] = field(default_factory=dict)
    by_id: Mapping[str, ModelRecord] = field(default_factory=dict)
    missed: Mapping[str, Missed] = field(default_factory=dict)
    unread_since: float | None = None
    pending: tuple[PendingModel, ...] = ()
    replaced: Mapping[str, ModelRecord] = field(default_factory=dict)
    is_reading: bool = False

    def awaits_files(self, model: ModelRecord) -> bool:
        """Return whether a diffusion model may get its missing files when all can be read."""
        if model.kind is not ModelKind.DIFFUSION_MODEL or model.component is None:
            return False

        def begins(models: Iterable[ModelRecord]) -> bool:
            return any(each.members[0].id == model.id for each in models if each.members)

        if begins(self.by_id.values()):
            return False
        return self.is_reading or begins(each.model for each in self.missed.values())

    def without(self, model_id: str, now: float) -> "Listing":
        """Return the listing without a model whose file has other bytes, and without its sets."""
        gone = {
            key: each
            for key, each in self.by_id.items()
            if key == model_id or any(member.id == model_id for member in each.members)
        }
        return dataclasses.replace(
            self,
            found={key: each for key, each in self.found.items() if key not in gone},
            by_id={key: each for key, each in self.by_id.items() if key not in gone},
            missed={**self.missed, **{key: Missed(each, now) for key, each in gone.items()}},
            replaced={key: each for key, each in self.replaced.items() if key != model_id},
        )

    @property
    def ids(self) -> Set[str]:
        """The ids of all models that are listed, may be found again, or can still be named."""
        return self.by_id.keys() | self.missed.keys() | self.replaced.keys()

    def with_reasons(self, reasons: Mapping[str, str]) -> "Listing":
        """Return the listing with these models unable to draw, by id with the reason."""

        def with_them(by_id: Mapping[str, ModelRecord]) -> Mapping[str, ModelRecord]:
            rejected = {
                model_id: dataclasses.replace(by_id[model_id], reason=reason, is_companion=False)
                for model_id, reason in reasons.items()
                if model_id in by_id
            }
            return {**by_id, **rejected}

        return dataclasses.replace(
            self, by_id=with_them(self.by_id), replaced=with_them(self.replaced)
        )


def next_listing(
    before: Listing,
    scan: ModelScan,
    by_id: Mapping[str, ModelRecord],
    now: float,
    *,
    patience: float,
) -> Listing:
    """Return the listing after a scan.

    Args:
        before: The listing before it.
        scan: The scan.
        by_id: The models that it has found, with their sets.
        now: The time, by the registry's clock.
        patience: The seconds for which a missing model is waited for.
    """
    known = {**before.missed, **{key: Missed(row, now) for key, row in before.by_id.items()}}
    replaced = replaced_sets(
        (*before.replaced.values(), *(each.model for each in known.values())), by_id
    )
    gone = (
        each
        for key, each in known.items()
        if not (key in by_id or key in replaced) and now - each.since < patience
    )
    unread_since = now if before.unread_since is None else before.unread_since
    return Listing(
        found=by_id,
        by_id=by_id,
        missed=_still_missed(gone, scan, by_id),
        unread_since=unread_since if scan.unread else None,
        pending=scan.pending,
        replaced=replaced,
        is_reading=scan.is_reading,
    )


def _still_missed(
    unlisted: Iterable[Missed], scan: ModelScan, listed: Container[str]
) -> Mapping[str, Missed]:
    """Return the models that may still be at their path, or may be a pending file, by id.

    A pending file with the size of a model may be that model under another name. A set may come
    back if each of its files is listed or may be there.

    Args:
        unlisted: The models of earlier scans that this scan has not found.
        scan: This scan.
        listed: The ids of the models that it has found.
    """
    pending = {each.path for each in scan.pending}
    sizes = {each.size for each in scan.pending}
    unread = {PurePath(path) for path in scan.unread}
    above_unread = {parent for path in unread for parent in path.parents}

    def may_be_there(model: ModelRecord | ModelMember) -> bool:
        if isinstance(model, ModelRecord) and model.members:
            return all(each.id in listed or may_be_there(each) for each in model.members)
        own = model.paths if isinstance(model, ModelRecord) else (model.path,)
        paths = {PurePath(path) for path in own}
        above = {parent for path in paths for parent in path.parents}
        if unread & (paths | above) or above_unread & paths:
            return True
        return model.size in sizes or not pending.isdisjoint(own)

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


def can_draw(model: ModelRecord) -> bool:
    """Return whether a request can name a model as the one that draws pictures."""
    return model.loadable and model.kind is ModelKind.CHECKPOINT
