"""The times of drawings, measured and predicted, and the load of the queue."""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from application.jobs.live_job import LiveJob
from domain.generation.any_request import AnyRequest, AnyResult
from domain.generation.upscale_request import UpscaleRequest

__all__ = ["DrawingTimes", "Forecast", "QueueLoad", "steps_per_second"]

_NEWEST_COUNTS = 0.3
_REMEMBERED_SHAPES = 256
_UNKNOWN_SECONDS = 5.0
"""The predicted time of a job if no similar job was drawn before."""

_Shape = tuple[str, int, int]


def _work(request: AnyRequest) -> dict[_Shape, int]:
    """Return the evaluations of the network for one image, by model and size. Each is above 0.

    A second pass is larger than the first, and each of its evaluations takes longer. To enlarge a
    picture counts as one evaluation.
    """
    if isinstance(request, UpscaleRequest):
        return {(request.model_id, request.width, request.height): 1}
    work: dict[_Shape, int] = {}
    for each in request.passes:
        shape = (request.model_id, each.size.width, each.size.height)
        if evaluations := request.evaluations_of(each):
            work[shape] = work.get(shape, 0) + evaluations
    return work


def _is_enlarged(request: AnyRequest) -> bool:
    """Return whether an upscaler model enlarges the pictures, in a time that is not known apart."""
    if isinstance(request, UpscaleRequest):
        return True
    second = request.second_pass
    return request.upscale is not None or (second is not None and second.model_id is not None)


@dataclass(slots=True)
class DrawingTimes:
    """Seconds per evaluation of the network for one image, by model and size.

    Newer measurements count more. Only the steps that run count. Some samplers evaluate the network
    twice in a step. Any thread may call any method.
    """

    _seconds: "OrderedDict[_Shape, float]" = field(default_factory=OrderedDict)
    _other: float = 0.0
    """Seconds of a job without the evaluations and the loading of its model."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, result: AnyResult, *, images: int) -> None:
        """Learn from a result of a batch of `images` images.

        A drawing of two sizes tells how much longer it took than expected. Both sizes learn that.
        A drawing that a model enlarges tells nothing of its steps. It may take a hundred times as
        long, and the next caller without an upscaler must not be refused for that.
        """
        is_enlarged = _is_enlarged(result.request)
        if is_enlarged and not isinstance(result.request, UpscaleRequest):
            return
        work = _work(result.request)
        seconds = result.timings.generate / images
        with self._lock:
            expected = {shape: self._per_evaluation(shape) or _pixels(shape) for shape in work}
            total = sum(expected[shape] * number for shape, number in work.items())
            for shape in work:
                self._learn(shape, expected[shape] * seconds / total)
            if not is_enlarged:
                self._other += _NEWEST_COUNTS * (result.timings.encode - self._other)

    def predict(self, request: AnyRequest) -> float | None:
        """Return the seconds that a request takes if its model is loaded; None if not known.

        The time of a size that was never drawn is scaled by pixels from the nearest known size.
        """
        with self._lock:
            total = 0.0
            for shape, number in _work(request).items():
                seconds = self._per_evaluation(shape)
                if seconds is None:
                    return None
                total += seconds * number
            return total * request.num_images + self._other

    def _learn(self, shape: _Shape, seconds: float) -> None:
        known = self._seconds.get(shape, seconds)
        self._seconds[shape] = known + _NEWEST_COUNTS * (seconds - known)
        self._seconds.move_to_end(shape)
        while len(self._seconds) > _REMEMBERED_SHAPES:
            self._seconds.popitem(last=False)

    def _per_evaluation(self, shape: _Shape) -> float | None:
        if shape in self._seconds:
            return self._seconds[shape]
        model_id, pixels = shape[0], _pixels(shape)
        same = [(w * h, value) for (m, w, h), value in self._seconds.items() if m == model_id]
        if not same:
            return None
        nearest, seconds = min(same, key=lambda row: abs(row[0] - pixels))
        return seconds * pixels / nearest


def _pixels(shape: _Shape) -> int:
    return shape[1] * shape[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLoad:
    """The waiting and the running jobs at one moment.

    Attributes:
        waiting: How many jobs wait.
        oldest_seconds: How long ago the oldest waiting job was accepted; 0 if none waits.
        running: How many jobs are drawn.
        steps_per_second: The steps of all workers a second; 0 until a drawing has two steps.
    """

    waiting: int
    oldest_seconds: float
    running: int
    steps_per_second: float


def steps_per_second(batches: Iterable[Sequence[LiveJob]]) -> float:
    """Return the steps of all batches a second. The jobs of one batch share its steps."""
    return sum(
        max((live.progress.rate or 0.0 for live in batch if live.progress), default=0.0)
        for batch in batches
    )


class Work(Protocol):
    """The part of the queue that a forecast reads."""

    @property
    def batches(self) -> Sequence[Sequence[LiveJob]]:
        """The batch of each worker; empty for a worker that draws nothing."""

    def ahead_of(self, caller: str) -> Sequence[LiveJob]:
        """Return the waiting jobs that go before a new job of this caller."""


class Forecast:
    """Predicts when jobs will be done, from the times of earlier drawings. Any thread may ask.

    Args:
        times: The times of earlier drawings.
        work: The running and the waiting jobs.
    """

    def __init__(self, times: DrawingTimes, work: Work) -> None:
        self._times = times
        self._work = work

    def seconds_until_free(self) -> float:
        """Return the seconds until the first worker takes new jobs."""
        return min(self._left(unknown=_UNKNOWN_SECONDS))

    def seconds_until_done(self, request: AnyRequest, caller: str) -> float:
        """Return the least seconds that a new request of this caller would take.

        A job whose time is not known counts as 0. Each job ahead is taken by the worker that is
        free first.
        """
        free_in = self._left(unknown=0.0)
        heapq.heapify(free_in)
        for live in self._work.ahead_of(caller):
            seconds = self._times.predict(live.job.request) or 0.0
            heapq.heapreplace(free_in, free_in[0] + seconds)
        return free_in[0] + (self._times.predict(request) or 0.0)

    def _left(self, *, unknown: float) -> list[float]:
        """Return for each worker the seconds that its batch still takes; `unknown` if not known."""
        left = [
            max((self._left_of(live, unknown) for live in batch), default=0.0)
            for batch in self._work.batches
        ]
        return left or [0.0]

    def _left_of(self, live: LiveJob, unknown: float) -> float:
        progress, predicted = live.progress, self._times.predict(live.job.request)
        if progress is not None and progress.seconds_left is not None:
            return progress.seconds_left
        return unknown if predicted is None else predicted
