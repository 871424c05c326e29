"""How long a drawing will take, from what drawings took."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from domain.generation.request import BatchKey, GenerationRequest, GenerationResult

__all__ = ["DrawingTimes"]

_NEWEST_COUNTS = 0.3
_REMEMBERED_SHAPES = 256

_Shape = tuple[str, int, int]


def _shape(key: BatchKey) -> _Shape:
    return key.model_id, key.width, key.height


@dataclass(slots=True)
class DrawingTimes:
    """Seconds per look of the network at one image, by model and size, the newest counting most.

    A step of some samplers has two looks.

    Any thread may call any method.
    """

    _seconds: "OrderedDict[_Shape, float]" = field(default_factory=OrderedDict)
    _other: float = 0.0
    """Seconds of a job beside its looks and the loading of its model."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, result: GenerationResult, *, images: int) -> None:
        """Take in a result that was drawn in a batch of so many images."""
        request, shape = result.request, _shape(result.request.batch_key)
        seconds = result.timings.generate / (request.evaluations * images)
        with self._lock:
            known = self._seconds.get(shape, seconds)
            self._seconds[shape] = known + _NEWEST_COUNTS * (seconds - known)
            self._seconds.move_to_end(shape)
            while len(self._seconds) > _REMEMBERED_SHAPES:
                self._seconds.popitem(last=False)
            self._other += _NEWEST_COUNTS * (result.timings.encode - self._other)

    def predict(self, request: GenerationRequest) -> float | None:
        """Seconds that this request would take now, its model loaded; None when unknown.

        A size that was never drawn counts by its pixels against the nearest that was.
        """
        with self._lock:
            seconds = self._per_look(_shape(request.batch_key))
        if seconds is None:
            return None
        return seconds * request.evaluations * request.num_images + self._other

    def _per_look(self, shape: _Shape) -> float | None:
        if shape in self._seconds:
            return self._seconds[shape]
        model_id, width, height = shape
        pixels = width * height
        same = [(w * h, value) for (m, w, h), value in self._seconds.items() if m == model_id]
        if not same:
            return None
        nearest, seconds = min(same, key=lambda row: abs(row[0] - pixels))
        return seconds * pixels / nearest
