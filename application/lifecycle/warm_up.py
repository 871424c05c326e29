"""Draws with models before any client asks, because the first picture of a model is slow."""

import logging
import time
from collections.abc import Callable, Sequence

from domain.errors import DeviceLost, DomainError, ModelNotFound, ModelsNotRead
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.ports.device_report import DeviceReport
from domain.services.drawing_watchers import GenerationStep
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry

__all__ = ["WarmUp"]

_LOOK_SECONDS = 0.05
_PROMPT = "a picture"
_STEPS = 2
_SEED = 0
# torch compiles for one batch size, then for a second one, and that graph serves any size.
_BATCHES = (1, 2)

_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The service stops while a model is being warmed up."""


class WarmUp:
    """Draws with models before the service is ready, so that they are loaded and compiled.

    Args:
        registry: Lists the models.
        generate_images: Draws.
        report: Tells whether networks are compiled.
        wanted: The names of the models. Where it is empty, only the default model is warmed up, and
            only if networks are compiled.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        generate_images: GenerateImages,
        report: DeviceReport,
        wanted: Sequence[str] = (),
    ) -> None:
        self._registry = registry
        self._generate_images = generate_images
        self._report = report
        self._wanted = tuple(wanted)

    @property
    def needed(self) -> bool:
        """Whether there is anything to do; known once the device is prepared."""
        return bool(self._wanted) or self._compiled

    def run(self, stopped: Callable[[float], bool]) -> None:
        """Draw with each model as soon as it is listed. A model that fails is logged and skipped.

        Args:
            stopped: Waits at most this many seconds; true as soon as the service stops.

        Raises:
            DeviceLost: the device was lost while it drew.
        """
        warm: dict[str, str] = {}
        for name in self._wanted or (None,):
            model = self._awaited(name, stopped)
            if stopped(0):
                return
            if model is None:
                self._log_missing(name)
                continue
            began = time.monotonic()
            try:
                _log.info("warming up %s", model.name)
                self._draw(model, stopped)
            except _Stopped:
                return
            except DeviceLost:
                raise
            except DomainError as error:
                _log.warning("%s cannot be warmed up: %s", model.name, error)
            except Exception:  # one model must not keep the others cold
                _log.exception("%s cannot be warmed up", model.name)
            else:
                _log.info("%s is warm after %.1f s", model.name, time.monotonic() - began)
                warm[model.id] = model.name
        kept = {each.id for each in self._report.loaded_models}
        for gone in [name for model_id, name in warm.items() if model_id not in kept]:
            _log.warning(
                "%s is not loaded any more: not all models to warm up fit the cache of models", gone
            )

    @property
    def _compiled(self) -> bool:
        plan = self._report.plan
        return plan is not None and bool(plan.get("compiled"))

    def _awaited(self, name: str | None, stopped: Callable[[float], bool]) -> ModelRecord | None:
        """As `_model`, once the model is listed. The default waits until all models are listed."""
        while True:
            # Asked first, so that a model that is listed meanwhile is still found below.
            scanned = self._registry.scanned
            model = self._model(name) if scanned or name is not None else None
            if model is not None or scanned or stopped(_LOOK_SECONDS):
                return model

    def _model(self, name: str | None) -> ModelRecord | None:
        """The model of this name, or the default model; None while there is none, or several."""
        try:
            return self._registry.resolve(name)
        except (ModelNotFound, ModelsNotRead):
            return None

    def _log_missing(self, name: str | None) -> None:
        if name is not None:
            why = "several models" if self._registry.named(name) else "no model"
            _log.warning("the model %r is to be warmed up, and that names %s", name, why)

    def _draw(self, model: ModelRecord, stopped: Callable[[float], bool]) -> None:
        compiled = self._compiled

        def on_step(_step: GenerationStep) -> None:
            if stopped(0):
                raise _Stopped

        def on_preview(_number: int, _jpeg: bytes) -> None:
            """A preview has a shape of its own, which is compiled when it is made."""

        def on_load(_loaded: bool) -> None:
            if stopped(0):
                raise _Stopped

        batches = _BATCHES if compiled else _BATCHES[:1]
        for count in batches:
            if count > self._generate_images.largest_batch:
                return
            request = GenerationRequest(
                id="warm-up",
                model_id=model.id,
                prompt=_PROMPT,
                num_inference_steps=_STEPS,
                num_images=count,
                seed=_SEED,
                vae_id=model.defaults.vae_id,
            )
            self._generate_images(
                request,
                on_step=on_step,
                on_load=on_load,
                on_preview=on_preview if compiled else None,
            )
