"""The options that each caller has set for its own requests."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from adapters.http.automatic1111.checkpoints import chosen_checkpoint, title
from adapters.http.automatic1111.networks import AUTOMATIC, chosen_vae, is_own_vae, vae_name
from domain.errors import ModelNotFound, ModelsNotRead
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["CLIP_SKIP_OPTION", "VAE_OPTION", "CallersOptions", "Chosen", "Options"]

CLIP_SKIP_OPTION = "CLIP_stop_at_last_layers"
VAE_OPTION = "sd_vae"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A checkpoint or a VAE that a caller has chosen.

    Attributes:
        model_id: The SHA-256 of its file; empty for the VAE in the checkpoint.
        title: Its title when it was chosen.
    """

    model_id: str
    title: str


_OWN_VAE = Chosen("", AUTOMATIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a caller: the defaults of its requests.

    Attributes:
        checkpoint: The checkpoint that draws; None for the default one.
        vae: The VAE that decodes.
        clip_skip: The layer of the text encoder, counted from its end; None for that of the model.
        samples_format: The format of the picture files.
        jpeg_quality: The quality of the files, if the format has a quality.
    """

    checkpoint: Chosen | None = None
    vae: Chosen = _OWN_VAE
    clip_skip: int | None = None
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
        return _there(registry, self.checkpoint)

    @property
    def keeps_own_vae(self) -> bool:
        """Whether the VAE in the checkpoint decodes, in place of the model's default."""
        return is_own_vae(self.vae.title) and not self.vae.model_id

    def chosen_vae(self, registry: ModelRegistry) -> ModelRecord | None:
        """Return the VAE that decodes; None if no VAE is chosen by its name.

        Raises:
            ModelNotFound: The chosen VAE is gone. No other VAE replaces it.
            ModelsNotRead: The chosen VAE may come back.
        """
        if not self.vae.model_id:
            return None
        return _there(registry, self.vae, field=VAE_OPTION)


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

    def choose_vae(self, wanted: str) -> Chosen:
        """Return the value of `vae` for this name; that of the checkpoint for an empty name.

        Raises:
            ModelNotFound, ModelsNotRead: As `chosen_vae`.
            ModelNotLoadable: The named VAE cannot be used.
        """
        model = chosen_vae(self._registry, wanted, field=VAE_OPTION)
        if model is None:
            return Chosen("", wanted or AUTOMATIC)
        model = self._registry.get_usable(model.id)
        return Chosen(model.id, vae_name(self._registry, model))

    def set(self, caller: str, **changes: Any) -> None:
        """Change options of `caller`. Other callers keep theirs."""
        with self._changing:
            self._held[caller] = replace(self._held.get(caller, Options()), **changes)
            self._held.move_to_end(caller)
            while len(self._held) > self._most:
                self._held.popitem(last=False)


def _there(registry: ModelRegistry, chosen: Chosen, *, field: str = "") -> ModelRecord:
    """Return a chosen model. Raise ModelNotFound or ModelsNotRead with its title if it is gone."""
    try:
        return registry.get(chosen.model_id)
    except ModelNotFound:
        if registry.awaits(chosen.model_id):
            raise ModelsNotRead(chosen.title) from None
        raise ModelNotFound(chosen.title, field=field) from None
