"""The options that callers have set, each caller for its own requests."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from adapters.http.automatic1111.checkpoints import chosen_checkpoint, title
from domain.errors import ModelNotFound, ModelsNotRead
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["CallersOptions", "Chosen", "Options"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A checkpoint that a caller has chosen: the SHA-256 of its file, and its title then."""

    model_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a caller. They count where a request of it names no value.

    Attributes:
        checkpoint: None for the default one.
        samples_format: Of the picture files.
        jpeg_quality: Of those files where the format has one.
    """

    checkpoint: Chosen | None = None
    samples_format: OutputFormat = OutputFormat.PNG
    jpeg_quality: int = DEFAULT_QUALITY

    def model(self, registry: ModelRegistry) -> ModelRecord:
        """What is drawn with.

        Raises:
            ModelNotFound: the chosen checkpoint is gone; it names it. Never another is meant.
            ModelsNotRead: it may come back.
            NoModel: none is chosen, and there is none to draw with.
        """
        if self.checkpoint is None:
            return registry.resolve(None)
        try:
            return registry.get(self.checkpoint.model_id)
        except ModelNotFound:
            is_awaited = registry.awaits(self.checkpoint.model_id)
            missing = ModelsNotRead if is_awaited else ModelNotFound
            raise missing(self.checkpoint.title) from None


class CallersOptions:
    """The options of each caller, in memory. Any thread may read and set them.

    A restart forgets them. Once `most` callers have set some, the caller that has been silent the
    longest loses its options.
    """

    def __init__(self, registry: ModelRegistry, *, most: int = 10_000) -> None:
        self._registry = registry
        self._most = most
        self._held: OrderedDict[str, Options] = OrderedDict()
        self._changing = threading.Lock()

    def of(self, caller: str) -> Options:
        """Those of `caller`; the service's own where it has set none."""
        with self._changing:
            held = self._held.get(caller)
            if held is not None:
                self._held.move_to_end(caller)
            return held or Options()

    def choose(self, wanted: str) -> Chosen | None:
        """What `checkpoint` is to be for this name; None, for the default one, where it is empty.

        Raises ModelNotFound, ModelsNotRead, and ModelNotLoadable for what cannot be drawn with.
        """
        if not wanted:
            return None
        model = self._registry.get_loadable(chosen_checkpoint(self._registry, wanted).id)
        return Chosen(model.id, title(model))

    def set(self, caller: str, **changes: Any) -> None:
        """Change options of `caller`, which then holds for nobody else."""
        with self._changing:
            self._held[caller] = replace(self._held.get(caller, Options()), **changes)
            self._held.move_to_end(caller)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
