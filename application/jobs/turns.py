"""Decides which waiting jobs are drawn next. Nothing in this module waits or locks."""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from application.job import Job
from application.jobs.live_job import LiveJob
from domain.generation.request import BatchKey

__all__ = ["AFFINITY_PASSES", "Batch", "Waiting", "WaitingLine", "drawing_order", "next_batch"]

AFFINITY_PASSES = 3
"""How often a later job may be drawn before a job because the later job's model is loaded."""

_REMEMBERED_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits.

    Attributes:
        caller: The owner of the job.
        number: The place of the job in the order of arrival.
        arrived: How many turns had been taken when the job arrived.
        batch_key: Jobs with an equal key can be drawn together.
        images: How many images the job asks for.
        passes: How often a later job was drawn before this one.
        last_resort: Whether all other jobs go first.
        solo: Whether the job is drawn in a batch of its own.
        beside: The models that the job needs beside the one of `model_id`.
    """

    caller: str
    number: int
    arrived: int
    batch_key: BatchKey
    images: int
    passes: int = 0
    last_resort: bool = False
    solo: bool = False
    beside: tuple[str, ...] = ()

    @property
    def model_id(self) -> str:
        """The model that the job is drawn with."""
        return self.batch_key.model_id

    @property
    def models(self) -> tuple[str, ...]:
        """All models that the job needs."""
        return (self.model_id, *self.beside)


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs to draw next.

    Attributes:
        jobs: They are drawn together.
        limit: How many images may be drawn at once.
        passed: The job whose turn it was, if other jobs are drawn before it; else None.
    """

    jobs: tuple[Waiting, ...]
    limit: int
    passed: Waiting | None = None

    @property
    def model_id(self) -> str:
        """The model that the jobs are drawn with."""
        return self.jobs[0].model_id

    @property
    def room(self) -> int:
        """How many more images may be drawn together with these jobs."""
        return self.limit - sum(job.images for job in self.jobs)


def drawing_order(waiting: Collection[Waiting], served: Mapping[str, int]) -> list[Waiting]:
    """Return the jobs in the order of their turns if no more jobs arrive.

    The caller that was served least recently goes first. The jobs of one caller keep their order.
    A new caller counts as served when its first job arrived, so no stream of new callers keeps the
    others waiting for ever. Between equals, a caller that was never served goes first. The jobs of
    last resort follow, in turns of the same kind.

    Args:
        waiting: The jobs, in any order.
        served: The turn of each caller's last batch, counted from 1.
    """
    queues: dict[str, deque[Waiting]] = defaultdict(deque)
    for job in sorted(waiting, key=lambda job: (job.last_resort, job.number)):
        queues[job.caller].append(job)

    def place(caller: str, latest: int) -> tuple[bool, int, int, int, str]:
        head = queues[caller][0]
        return head.last_resort, max(latest, head.arrived), latest, head.number, caller

    callers = [place(caller, served.get(caller, 0)) for caller in queues]
    heapq.heapify(callers)
    turn = max([*served.values(), *(job.arrived for job in waiting)], default=0)
    order = []
    while callers:
        *_, caller = heapq.heappop(callers)
        order.append(queues[caller].popleft())
        turn += 1
        if queues[caller]:
            heapq.heappush(callers, place(caller, turn))
    return order


def next_batch(
    order: Sequence[Waiting],
    *,
    warm: Collection[str],
    limit: Callable[[BatchKey], int],
    is_busy: bool = False,
) -> Batch | None:
    """Choose the jobs to draw now.

    If the model of the first job is not loaded, a job whose model is loaded may go first, at most
    AFFINITY_PASSES times. Then other jobs that can be drawn with it join it, in their order, up to
    the limit of images. A job with more images than the limit has a batch of its own.

    Args:
        order: The result of `drawing_order`, which is not empty.
        warm: The ids of the models that the worker has loaded.
        limit: The most images of a shape that are drawn together.
        is_busy: Whether other workers draw now. No solo job starts then.

    Returns:
        The batch; None if the next job is a solo job that must wait for other workers.
    """
    first = leader = order[0]
    order = [job for job in order if job.last_resort == first.last_resort]
    if first.model_id not in warm and first.passes < AFFINITY_PASSES:
        ready = (job for job in order if job.model_id in warm and not (job.solo and is_busy))
        leader = next(ready, first)
    if leader.solo and is_busy:
        # No other job starts before it, because a stream of them would keep it waiting.
        return None
    jobs, images, most = [leader], leader.images, limit(leader.batch_key)
    for job in () if leader.solo else order:
        is_alike = job.batch_key == leader.batch_key and not job.solo
        if job is not leader and is_alike and images + job.images <= most:
            jobs.append(job)
            images += job.images
    return Batch(tuple(jobs), most, passed=None if first in jobs else first)


class WaitingLine:
    """The waiting jobs in the order of their turns. The queue's lock guards it.

    Args:
        patience: For how many turns a new job of last resort lets all other jobs go first. After
            that it takes its turn as any job does, so new jobs cannot keep it waiting for ever.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._jobs: dict[int, LiveJob] = {}
        self._served: dict[str, int] = {}
        self._order: list[Waiting] | None = None
        self.turns = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[LiveJob]:
        return iter(self._jobs.values())

    @property
    def oldest(self) -> Job | None:
        """The waiting job that was accepted first."""
        return self._jobs[min(self._jobs)].job if self._jobs else None

    def add(self, live: LiveJob) -> None:
        """Add a job, in the place of its sequence."""
        self._jobs[live.job.sequence] = live
        self._order = None

    def remove(self, live: LiveJob) -> bool:
        """Remove a job; False if it did not wait."""
        self._order = None
        return self._jobs.pop(live.job.sequence, None) is not None

    def clear(self) -> None:
        """Remove all jobs."""
        self._jobs.clear()
        self._order = None

    def take(self, batch: Batch) -> tuple[LiveJob, ...]:
        """Take a turn with these jobs, and remove them from the line."""
        if batch.passed is not None:
            self._jobs[batch.passed.number].passes += 1
        jobs = tuple(self._jobs.pop(job.number) for job in batch.jobs)
        self.turns += 1
        for live in jobs:
            self._served.pop(live.job.caller, None)
            self._served[live.job.caller] = self.turns
        while len(self._served) > _REMEMBERED_CALLERS:
            del self._served[next(iter(self._served))]
        self._order = None
        return jobs

    def ordered(self) -> Sequence[Waiting]:
        """Return the jobs in the order of their turns."""
        if self._order is None:
            self._order = drawing_order(self._waiting(), self._served)
        return self._order

    def position(self, live: LiveJob) -> int | None:
        """Return 1 for the next job; None for a job that does not wait."""
        numbers = [job.number for job in self.ordered()]
        number = live.job.sequence
        return numbers.index(number) + 1 if number in numbers else None

    def ahead_of(self, caller: str) -> list[LiveJob]:
        """Return the jobs that go before a new job of this caller."""
        number = max(self._jobs, default=0) + 1
        new = Waiting(caller, number, self.turns, BatchKey("", 0, 0, 0, 0.0), 1)
        order = drawing_order([*self._waiting(), new], self._served)
        return [self._jobs[job.number] for job in order[: order.index(new)]]

    def _waiting(self) -> list[Waiting]:
        since = self.turns - self._patience
        return [
            Waiting(
                live.job.caller,
                live.job.sequence,
                live.arrived,
                live.job.request.batch_key,
                live.job.request.num_images,
                live.passes,
                last_resort=live.crashed_before and live.arrived > since,
                solo=live.crashed_before,
                beside=tuple(use.model_id for use in live.job.request.models[1:]),
            )
            for live in self._jobs.values()
        ]
