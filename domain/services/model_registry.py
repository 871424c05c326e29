"""Which models there are."""

import dataclasses
import time
from collections.abc import Callable, Mapping

from domain.errors import ModelNotFound, ModelNotLoadable, ModelsNotRead, NoModel
from domain.generation.request import model_id_problem
from domain.models.names import ModelNames, bearers, may_bear
from domain.models.record import SHORT_ID, ModelKind, ModelRecord, PendingModel, PendingState
from domain.ports.model_locator import ModelLocator
from domain.ports.model_source import ModelScan, ModelSource
from domain.services.model_listing import Listing, Missed, by_id_of, still_missed
from domain.sizes import DEFAULT_MAX_PIXELS

__all__ = ["ModelRegistry"]

_LOOK_AGAIN_SECONDS = 0.1
_AWAY_SECONDS = 3600.0
"""How long what was there, or could not be looked at, is waited for."""


class ModelRegistry(ModelLocator):
    """The models that the last look found, by id.

    Any thread may read: a look builds a new listing and puts it in place by one assignment.
    """

    def __init__(
        self,
        source: ModelSource,
        *,
        names: ModelNames | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._names = names or ModelNames()
        self._max_pixels = max_pixels
        self._clock = clock
        self._listing = Listing()
        self._rejected: dict[str, str] = {}
        self._seen: set[str] = set()
        self._scanned = False

    def refresh(self) -> None:
        """Look, and go on until every file that is whole is listed. For those who can wait.

        What is being written to is not waited for.
        """
        while not self._scan().settled:
            self._source.wait(_LOOK_AGAIN_SECONDS)

    def look(self) -> bool:
        """Look once, and return at once; true when another look will soon know more."""
        return self._scan().moving

    def wait(self, seconds: float) -> None:
        """Return when a look may find something new, after `seconds` at the latest."""
        self._source.wait(seconds)

    def close(self) -> None:
        """End what goes on in the background."""
        self._source.close()

    @property
    def scanned(self) -> bool:
        """Whether all that was there at first has been listed, but for what was written to."""
        return self._scanned

    @property
    def can_draw(self) -> bool:
        """Whether a picture can be drawn with one of the models that are listed now."""
        return any(model.loadable for model in self._listing.by_id.values())

    @property
    def reading(self) -> bool:
        """Whether the bytes of a file are being read, so that a model may soon be listed."""
        return any(each.state is PendingState.HASHING for each in self._listing.pending)

    def models(self, kind: ModelKind | None = None) -> tuple[ModelRecord, ...]:
        """All models, or those of one kind, sorted by path."""
        models = self._listing.by_id.values()
        return tuple(model for model in models if kind is None or model.kind is kind)

    def pending(self) -> tuple[PendingModel, ...]:
        """The files that are there and not listed yet, sorted by path."""
        return tuple(sorted(self._listing.pending, key=lambda pending: pending.path))

    def awaits(self, wanted: str) -> bool:
        """Whether this model is not listed, but may be once all that is there is read.

        Any id may while a file is hashed, and a name while a file that has it is hashed. A model
        that was listed before, by its id or a name of it, also may while a folder or file of its
        path cannot be read, or a file that may be it settles, for an hour at most.
        """
        listing, model_id = self._listing, wanted.lower()
        if model_id in listing.by_id:
            return False
        if model_id in listing.missed or not self._scanned:
            return True
        hashing = [each for each in listing.pending if each.state is PendingState.HASHING]
        missed = [each.model for each in listing.missed.values()]
        return any(
            bearers(missed, name) or any(may_bear(each, name) for each in hashing)
            for name in self._names.meanings(wanted)
        )

    def may_come(self, model_id: str) -> bool:
        """The same of a model that an earlier run has seen.

        One that was not listed yet since then may also come while anything can not be looked at,
        for an hour at most.
        """
        since = self._listing.unread_since
        is_unread = since is not None and self._clock() - since < _AWAY_SECONDS
        return (is_unread and model_id.lower() not in self._seen) or self.awaits(model_id)

    def get(self, model_id: str) -> ModelRecord:
        """The model with this id, in lower or upper case. Raises ModelNotFound."""
        lowered = model_id.lower()
        record = self._listing.by_id.get(lowered)
        if record is None:
            raise ModelNotFound(lowered if model_id_problem(model_id) is None else model_id)
        return record

    def get_loadable(self, model_id: str) -> ModelRecord:
        """The model with this id, to draw with. Raises ModelNotFound and ModelNotLoadable."""
        record = self.get(model_id)
        if record.reason is not None:
            raise ModelNotLoadable(record.reason, record.name)
        return record

    def locate(self, model_id: str) -> ModelRecord:
        return self.get_loadable(model_id)

    def named(self, wanted: str) -> tuple[ModelRecord, ...]:
        """The models that have this id or name, sorted by path; several for an unclear name.

        The rule is that of `bearers`; an alias counts where no model has the name itself.
        """
        models = self.models()
        found = (bearers(models, name) for name in self._names.meanings(wanted))
        return next(filter(None, found), ())

    def resolve(self, wanted: str | None) -> ModelRecord:
        """The one model that a request names; of a request that names none, the default model.

        Every door uses this rule. None and an empty name stand for the configured default, or else
        for the first model by path that can be drawn with. A model that is named may be one that
        cannot be drawn with: `get_loadable` says why.

        Raises:
            ModelNotFound: no model has the name, or several have.
            ModelsNotRead: none has it now, and not all files are read.
            NoModel: no model is named, and there is none to draw with.
        """
        if wanted:
            return self._one(wanted)
        if self._names.default is not None:
            return self._one(self._names.default, is_default=True)
        return self._first()

    def name_problems(self) -> tuple[str, ...]:
        """Why the configured default and aliases name no model now, a sentence for each that does
        not. For a log, once the folders have been looked through.
        """
        default = self._names.default
        asked = [] if default is None else [(default, True)]
        problems = []
        for name, is_default in asked + [(alias, False) for alias in self._names.aliases]:
            try:
                self._one(name, is_default=is_default)
            except (ModelNotFound, ModelsNotRead) as error:
                problems.append(str(error))
        return tuple(problems)

    def forget(self, model_id: str) -> None:
        """Strike a model whose file turned out to be another one; the next look finds it anew."""
        listing = self._listing
        by_id = dict(listing.by_id)
        model = by_id.pop(model_id.lower(), None)
        if model is not None:
            missed = {**listing.missed, model.id: Missed(model, self._clock())}
            self._listing = dataclasses.replace(listing, by_id=by_id, missed=missed)

    def reject(self, model_id: str, reason: str) -> None:
        """Note why no picture can be drawn with a model, which only drawing with it has shown.

        It is its bytes that are no good, so it holds as long as they are there.
        """
        self._rejected[model_id.lower()] = reason
        listing = self._listing
        by_id = self._with_reasons(listing.by_id)
        self._listing = dataclasses.replace(listing, by_id=by_id)

    def _one(self, wanted: str, *, is_default: bool = False) -> ModelRecord:
        found = self.named(wanted)
        if len(found) == 1:
            return found[0]
        if not found and self.awaits(wanted):
            raise ModelsNotRead(wanted)
        raise ModelNotFound(
            wanted,
            stands_for=self._names.stands_for(wanted, self.models()),
            is_default=is_default,
            bearers=tuple(f"{each.path} ({each.id[:SHORT_ID]})" for each in found),
        )

    def _first(self) -> ModelRecord:
        """The first model by path that can be drawn with, unless a missed one may come before."""
        listing = self._listing
        first = next(filter(_can_draw, self.models()), None)
        missed = (each.model for each in listing.missed.values())
        before = any(
            _can_draw(each) and (first is None or each.path < first.path) for each in missed
        )
        hashing = any(each.state is PendingState.HASHING for each in listing.pending)
        if before or not self._scanned or (first is None and hashing):
            raise ModelsNotRead
        if first is None:
            raise NoModel
        return first

    def _with_reasons(self, by_id: Mapping[str, ModelRecord]) -> Mapping[str, ModelRecord]:
        rejected = {
            model_id: dataclasses.replace(by_id[model_id], reason=reason)
            for model_id, reason in tuple(self._rejected.items())
            if model_id in by_id
        }
        return {**by_id, **rejected}

    def _scan(self) -> ModelScan:
        scan = self._source.scan()
        by_id = by_id_of(
            dataclasses.replace(each, max_pixels=self._max_pixels) for each in scan.models
        )
        before = self._listing
        self._seen |= by_id.keys()
        now = self._clock()
        known = {**before.missed, **{key: Missed(row, now) for key, row in before.by_id.items()}}
        missed = still_missed(
            (
                each
                for model_id, each in known.items()
                if model_id not in by_id and now - each.since < _AWAY_SECONDS
            ),
            scan,
        )
        for gone in set(tuple(self._rejected)) - by_id.keys() - missed.keys():
            del self._rejected[gone]
        unread_since = now if before.unread_since is None else before.unread_since
        self._listing = Listing(
            by_id=self._with_reasons(by_id),
            missed=missed,
            unread_since=unread_since if scan.unread else None,
            pending=scan.pending,
        )
        self._scanned = self._scanned or scan.settled
        return scan


def _can_draw(model: ModelRecord) -> bool:
    return model.loadable and model.kind is ModelKind.CHECKPOINT
