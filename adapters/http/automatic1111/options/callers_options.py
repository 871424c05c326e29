"""The options that each caller has set for its own requests."""

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
    """A checkpoint that a caller has chosen.

    Attributes:
        model_id: The SHA-256 of its file.
        title: Its title when it was chosen.
    """

    model_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a caller: the defaults of its requests.

    Attributes:
        checkpoint: The checkpoint that draws; None for the default one.
        samples_format: The format of the picture files.
        jpeg_quality: The quality of the files, if the format has a quality.
    """

    checkpoint: Chosen | None = None
    samples_format: OutputFormat = OutputFormat.PNG
    jpeg_quality: int = DEFAULT_QUALITY

    def model(self, registry: ModelRegistry) -> ModelRecord:
        """Return the model that draws.

        Raises:
            ModelNotFound: The chosen checkpoint is gone. No other checkpoint replaces it.
            ModelsNotRead: The chosen checkpoint may come back.
            NoModel: The caller has chosen no checkpoint, and no checkpoint can draw.
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

    A restart forgets them. When more than `most` callers have set options, the caller that has
    sent no request for the longest time loses its options.
    """

    def __init__(self, registry: ModelRegistry, *, most: int = 10_000) -> None:
        self._registry = registry
        self._most = most
        self._held: OrderedDict[str, Options] = OrderedDict()
        self._changing = threading.Lock()

    def of(self, caller: str) -> Options:
        """Return the options of `caller`; the service's defaults if the caller has set none."""
        with self._changing:
            held = self._held.get(caller)
            if held is not None:
                self._held.move_to_end(caller)
            return held or Options()

    def choose(self, wanted: str) -> Chosen | None:
        """Return the value of `checkpoint` for this name; None, the default, for an empty name.

        Raises:
            ModelNotFound: No checkpoint has this name.
            ModelsNotRead: A checkpoint that is not read yet may have this name.
            ModelNotLoadable: The named checkpoint cannot draw.
        """
        if not wanted:
            return None
        model = self._registry.get_loadable(chosen_checkpoint(self._registry, wanted).id)
        return Chosen(model.id, title(model))

    def set(self, caller: str, **changes: Any) -> None:
        """Change options of `caller`. Other callers keep theirs."""
        with self._changing:
            self._held[caller] = replace(self._held.get(caller, Options()), **changes)
            self._held.move_to_end(caller)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
