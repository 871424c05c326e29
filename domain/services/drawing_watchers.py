"""Watchers of a drawing: one that calls functions, and one that every drawing has."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import ModelNotLoadable
from domain.ports.image_generator import DrawingWatcher
from domain.services.heartbeat import Heartbeat

__all__ = [
    "AttendedDrawing",
    "CallbackWatcher",
    "GenerationStep",
    "LoadCallback",
    "PreviewCallback",
    "StepCallback",
]


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """The number of steps that are done, and the number of all steps."""

    done: int
    total: int


StepCallback = Callable[[GenerationStep], None]
"""Called between two steps. An exception stops the drawing."""

LoadCallback = Callable[[bool], None]
"""Called repeatedly with False while the model is loaded, then once with True. An exception stops
the drawing.
"""

PreviewCallback = Callable[[int, bytes], None]
"""Called after each step with the number of a request and a small JPEG of its picture so far."""


class CallbackWatcher(DrawingWatcher):
    """Passes events to functions of this process. An event without a function is ignored."""

    def __init__(
        self,
        *,
        on_step: StepCallback | None = None,
        on_load: LoadCallback | None = None,
        on_preview: PreviewCallback | None = None,
    ) -> None:
        self._on_step = on_step
        self._on_load = on_load
        self._on_preview = on_preview

    def loading(self, loaded: bool) -> None:
        if self._on_load is not None:
            self._on_load(loaded)

    def step(self, done: int, total: int) -> None:
        if self._on_step is not None:
            self._on_step(GenerationStep(done, total))

    def wants_preview(self, number: int) -> bool:
        return self._on_preview is not None

    def preview(self, number: int, jpeg: bytes) -> None:
        if self._on_preview is not None:
            self._on_preview(number, jpeg)


class AttendedDrawing(DrawingWatcher):
    """Records progress, and stops a load that takes too long.

    Args:
        watcher: It receives the same events.
        heartbeat: It records the progress.
        model_name: The name of the model that draws.
        clock: Seconds of a monotonic clock. The load begins with this object.
        load_timeout: Seconds after which a load is stopped.
    """

    def __init__(
        self,
        watcher: DrawingWatcher,
        heartbeat: Heartbeat,
        model_name: str,
        *,
        clock: Callable[[], float],
        load_timeout: float,
    ) -> None:
        self._watcher = watcher
        self._heartbeat = heartbeat
        self._model_name = model_name
        self._clock = clock
        self._load_timeout = load_timeout
        self._began = clock()

    def loading(self, loaded: bool) -> None:
        self._heartbeat.beat(loading=not loaded)
        self._watcher.loading(loaded)
        if not loaded and self._clock() - self._began > self._load_timeout:
            raise ModelNotLoadable(
                f"it was not loaded within {self._load_timeout:g} seconds, the longest that a load "
                "may take here",
                self._model_name,
            )

    def step(self, done: int, total: int) -> None:
        self._heartbeat.beat(loading=False)
        self._watcher.step(done, total)

    def wants_preview(self, number: int) -> bool:
        return self._watcher.wants_preview(number)

    def preview(self, number: int, jpeg: bytes) -> None:
        self._watcher.preview(number, jpeg)
