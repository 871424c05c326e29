"""The registry of models."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import PurePosixPath

from domain.errors import ModelNotFound, ModelNotLoadable, ModelsNotRead, NoModel
from domain.generation.fields.judging import model_id_problem
from domain.models.names import ModelNames, bearers, may_bear
from domain.models.record import SHORT_ID, ModelKind, ModelRecord, PendingModel, PendingState
from domain.ports.model_headers import ModelHeaders
from domain.ports.model_locator import ModelLocator
from domain.ports.model_settings import ModelSettingsSource, NoModelSettings
from domain.ports.model_source import ModelScan, ModelSource
from domain.services.listing.completing import CompleteRecords
from domain.services.listing.model_listing import Listing, by_id_of, can_draw, next_listing
from domain.services.listing.model_sets import with_sets
from domain.sizes import DEFAULT_MAX_PIXELS

__all__ = ["ModelRegistry"]

_LOOK_AGAIN_SECONDS = 0.1
_AWAY_SECONDS = 3600.0
"""How long the registry waits for a missing model, or for a folder that cannot be read."""


class ModelRegistry(ModelLocator):
    """The models that the last scan found, by id.

    Any thread may read. A scan builds a new listing and publishes it by one assignment.
    """

    def __init__(
        self,
        source: ModelSource,
        *,
        names: ModelNames | None = None,
        settings: ModelSettingsSource | None = None,
        headers: ModelHeaders | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._own_names = self._names = names or ModelNames()
        self._complete = CompleteRecords(settings or NoModelSettings(), headers)
        self._max_pixels = max_pixels
        self._clock = clock
        self._listing = Listing()
        self._rejected: dict[str, str] = {}
        self._seen: set[str] = set()
        self._scanned = False

    def refresh(self) -> None:
        """Scan until every complete file is listed. This may take long.

        It does not wait for a file that is being written.
        """
        while not self._scan().settled:
            self._source.wait(_LOOK_AGAIN_SECONDS)

    def look(self) -> bool:
        """Scan once without waiting. Return whether another scan will soon find more."""
        return self._scan().moving

    def wait(self, seconds: float) -> None:
        """Wait until a scan may find something new, for at most `seconds`."""
        self._source.wait(seconds)

    def close(self) -> None:
        """End the work in the background."""
        self._source.close()

    @property
    def scanned(self) -> bool:
        """Whether every file of the first scan is listed, except files that were being written."""
        return self._scanned

    @property
    def can_draw(self) -> bool:
        """Whether a listed model can draw."""
        return any(model.loadable for model in self._listing.by_id.values())

    @property
    def reading(self) -> bool:
        """Whether the bytes of a file are being read, so that a model may be listed soon."""
        return any(each.is_hashing for each in self._listing.pending)

    def models(self, kind: ModelKind | None = None) -> tuple[ModelRecord, ...]:
        """Return all models, or those of one kind, sorted by path."""
        models = self._listing.by_id.values()
        return tuple(model for model in models if kind is None or model.kind is kind)

    def pending(self) -> tuple[PendingModel, ...]:
        """Return the files that were found and are not listed yet, sorted by path."""
        return tuple(sorted(self._listing.pending, key=lambda pending: pending.path))

    def awaits(self, wanted: str) -> bool:
        """Return whether this model is not listed, but may be listed after all files are read.

        An id may be listed while any file is hashed, and a name while a file with that name is
        hashed. A model that was listed before, by its id or a name, may also be listed while a
        folder or file of its path cannot be read, or while a file that may be it is being written,
        for at most an hour.
        """
        listing, model_id = self._listing, wanted.lower()
        if model_id in listing.by_id or model_id in listing.replaced:
            return False
        if model_id in listing.missed or not self._scanned:
            return True
        hashing = [each for each in listing.pending if each.is_hashing]
        missed = [each.model for each in listing.missed.values()]
        return any(
            bearers(missed, name) or any(may_bear(each, name) for each in hashing)
            for name in self._names.meanings(wanted)
        )

    def unfinished(self, wanted: str) -> str:
        """Return a sentence about a file with this name that is not complete; empty for none."""
        names = self._names.meanings(wanted)
        found = (
            each
            for each in self._listing.pending
            if each.state is PendingState.SETTLING
            and {each.path, each.name, PurePosixPath(each.name).stem} & set(names)
        )
        if (first := next(found, None)) is None:
            return ""
        return f"{first.name} is not listed yet: {first.reason or 'it is being written'}"

    def may_come(self, model_id: str) -> bool:
        """Return whether a model of an earlier run may be listed later.

        It may for the reasons of `awaits`. If it was not listed yet in this run, it also may while
        any file or folder cannot be read, for at most an hour.
        """
        since = self._listing.unread_since
        is_unread = since is not None and self._clock() - since < _AWAY_SECONDS
        return (is_unread and model_id.lower() not in self._seen) or self.awaits(model_id)

    def get(self, model_id: str) -> ModelRecord:
        """Return the model with this id, in lower or upper case. Raise ModelNotFound.

        A set that has got a better file keeps its id as long as its files are there, so jobs that
        wait for it are drawn with the files that they asked for.
        """
        listing, lowered = self._listing, model_id.lower()
        record = listing.by_id.get(lowered) or listing.replaced.get(lowered)
        if record is None:
            raise ModelNotFound(lowered if model_id_problem(model_id) is None else model_id)
        return record

    def get_loadable(self, model_id: str) -> ModelRecord:
        """Return the model with this id if it can draw. Raise ModelNotFound or ModelNotLoadable."""
        record = self.get(model_id)
        if record.reason is not None:
            raise ModelNotLoadable(record.reason, record.name)
        return record

    def get_usable(self, model_id: str) -> ModelRecord:
        """Return the model with this id if a request can name it, to draw or beside a checkpoint.

        Raise ModelNotFound or ModelNotLoadable.
        """
        record = self.get(model_id)
        return record if record.usable else self.get_loadable(model_id)

    def locate(self, model_id: str) -> ModelRecord:
        return self.get_usable(model_id)

    def named(
        self, wanted: str, *, kind: ModelKind = ModelKind.CHECKPOINT
    ) -> tuple[ModelRecord, ...]:
        """Return the models that have this id or name, sorted by path. A name may be ambiguous.

        The rule is that of `bearers`. Models of the given `kind` come first, also those that an
        alias names. Otherwise an alias counts if no model has the name itself.
        """
        models = self.models()
        meanings = self._names.meanings(wanted)
        found = [bearers(models, name, first=kind) for name in meanings]
        of_kind = (each for each in found if any(model.kind is kind for model in each))
        return next(of_kind, None) or next(filter(None, found), ())

    def resolve(self, wanted: str | None, *, kind: ModelKind = ModelKind.CHECKPOINT) -> ModelRecord:
        """Return the model that a request names, or the default model if it names none.

        Every API uses this rule. None and an empty name mean the configured default, or else the
        first model by path that can draw. A named model may be unable to draw: `get_loadable` says
        why. If models of several kinds have the name, it means the one of the given `kind`.

        Raises:
            ModelNotFound: No model has the name, or several models have it.
            ModelsNotRead: No model has the name now, and not all files are read.
            NoModel: The request names no model, and no model can draw.
        """
        if wanted:
            return self._one(wanted, kind=kind)
        if self._names.default is not None:
            return self._one(self._names.default, is_default=True)
        return self._first()

    def name_problems(self) -> tuple[str, ...]:
        """Return a sentence for each configured name, default or alias, that names no model.

        The sentences are for the log, after the first scan.
        """
        default = self._own_names.default
        asked = [] if default is None else [(default, True)]
        problems = []
        for name, is_default in asked + [(alias, False) for alias in self._own_names.aliases]:
            try:
                self._one(name, is_default=is_default)
            except (ModelNotFound, ModelsNotRead) as error:
                problems.append(str(error))
        return tuple(problems)

    @property
    def settings_problem(self) -> str | None:
        """Why the newest settings of the operator are not followed; None if they are."""
        return self._complete.settings_problem

    def settings_problems(self) -> tuple[str, ...]:
        """Return a sentence for each setting that no model follows, for the log."""
        of_models = (f"{each.name} {text}" for each in self.models() for text in each.problems)
        return (*self._complete.table_problems, *of_models)

    def forget(self, model_id: str) -> None:
        """Remove a model whose file has other bytes than its id. The next scan reads it again."""
        self._publish(self._listing.without(model_id.lower(), self._clock()))

    def reject(self, model_id: str, reason: str) -> None:
        """Record why a model cannot draw, if only an attempt to draw has shown it.

        The cause is in its bytes, so the record lasts as long as a file has these bytes.
        """
        self._rejected[model_id.lower()] = reason
        self._publish(self._listing)

    def _one(
        self,
        wanted: str,
        *,
        is_default: bool = False,
        kind: ModelKind = ModelKind.CHECKPOINT,
    ) -> ModelRecord:
        found = self.named(wanted, kind=kind)
        if len(found) == 1 and not (
            kind is ModelKind.CHECKPOINT and self._listing.awaits_files(found[0])
        ):
            return found[0]
        if len(found) == 1 or (not found and self.awaits(wanted)):
            raise ModelsNotRead(wanted)
        raise ModelNotFound(
            wanted,
            stands_for=self._names.stands_for(wanted, self.models()),
            is_default=is_default,
            unfinished="" if found else self.unfinished(wanted),
            bearers=tuple(f"{each.path} ({each.id[:SHORT_ID]})" for each in found),
        )

    def _first(self) -> ModelRecord:
        """Return the first model by path that can draw, unless a missed model may precede it."""
        listing = self._listing
        first = next(filter(can_draw, self.models()), None)
        missed = (each.model for each in listing.missed.values())
        before = any(
            can_draw(each) and (first is None or each.path < first.path) for each in missed
        )
        hashing = any(each.is_hashing for each in listing.pending)
        if before or not self._scanned or (first is None and hashing):
            raise ModelsNotRead
        if first is None:
            raise NoModel
        return first

    def _publish(self, listing: Listing) -> None:
        """Complete the models that were found, and list them."""
        reasons = dict(tuple(self._rejected.items()))
        by_id = self._complete(listing.found, reasons, listing.pending)
        self._names = self._complete.names(self._own_names)
        told = listing.with_reasons(reasons) if reasons else listing
        self._listing = dataclasses.replace(told, by_id=by_id)

    def _scan(self) -> ModelScan:
        scan = self._source.scan()
        by_id = by_id_of(
            dataclasses.replace(each, max_pixels=self._max_pixels) for each in scan.models
        )
        by_id = with_sets(by_id, is_reading=scan.is_reading)
        self._seen |= by_id.keys()
        listing = next_listing(self._listing, scan, by_id, self._clock(), patience=_AWAY_SECONDS)
        for gone in set(tuple(self._rejected)) - listing.ids:
            del self._rejected[gone]
        self._complete.read()
        self._publish(listing)
        self._scanned = self._scanned or scan.settled
        return scan
