"""Which waiting jobs are drawn next, and which of them together. Nothing here waits or locks."""

import heapq
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.generation.request import BatchKey
from domain.services.memory_shortage import halved

__all__ = ["AFFINITY_PASSES", "Batch", "BatchLimits", "Waiting", "drawing_order", "next_batch"]

AFFINITY_PASSES = 3
"""How often a job may see one behind it drawn first, because that one's model is loaded."""

_REMEMBERED_SHAPES = 256
_SUCCESSES_TO_FORGET = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits.

    Attributes:
        caller: Whose it is.
        number: Its place in the order of arrival.
        arrived: How many turns had been taken when it came.
        batch_key: What it shares with those it can be drawn with.
        images: How many images it wants.
        passes: How often one behind it was drawn first.
        goes_last: Whether all others go first.
        alone: Whether it is drawn with no other.
    """

    caller: str
    number: int
    arrived: int
    batch_key: BatchKey
    images: int
    passes: int = 0
    goes_last: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What is drawn next; `passed` is the job whose turn it would have been, if another's is."""

    jobs: tuple[Waiting, ...]
    passed: Waiting | None = None


def drawing_order(waiting: Sequence[Waiting], served: Mapping[str, int]) -> list[Waiting]:
    """The jobs in the order in which their turns come, if no more arrive.

    The caller who was served least recently goes first; a caller's own jobs keep their order.
    Who comes anew counts as served when it came, so that no stream of newcomers keeps others
    waiting for ever; among equals the one never served goes first. What is to be last follows, in
    turns of the same kind.

    Args:
        waiting: In any order.
        served: The turn of each caller's last batch, counted from 1.
    """
    queues: dict[str, deque[Waiting]] = defaultdict(deque)
    for job in sorted(waiting, key=lambda job: (job.goes_last, job.number)):
        queues[job.caller].append(job)

    def place(caller: str, latest: int) -> tuple[bool, int, int, int, str]:
        head = queues[caller][0]
        return head.goes_last, max(latest, head.arrived), latest, head.number, caller

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
    last_model: str | None,
    limit: Callable[[BatchKey], int],
) -> Batch:
    """The jobs to draw now, of a `drawing_order` that is not empty.

    A job whose model drew last may go before the first one, AFFINITY_PASSES times at most; then
    those join that can be drawn with it, in their order, as long as the images are no more than
    the limit. A job that wants more than that is drawn alone.

    Args:
        order: From `drawing_order`.
        last_model: The id of the model that drew last.
        limit: How many images of a shape are drawn together at most.
    """
    first = leader = order[0]
    order = [job for job in order if job.goes_last == first.goes_last]
    if first.batch_key.model_id != last_model and first.passes < AFFINITY_PASSES:
        leader = next((job for job in order if job.batch_key.model_id == last_model), first)
    jobs, images, most = [leader], leader.images, limit(leader.batch_key)
    company = [] if leader.alone else [job for job in order if not job.alone]
    for job in company:
        if job is not leader and job.batch_key == leader.batch_key and images + job.images <= most:
            jobs.append(job)
            images += job.images
    passed = None if first in jobs else first
    return Batch(tuple(jobs), passed)


@dataclass(slots=True)
class _Limit:
    images: int = 1
    failed: int | None = None
    successes: int = 0


@dataclass(slots=True)
class BatchLimits:
    """How many images of each shape are drawn together: measured, not guessed.

    It starts at one and doubles with every batch that filled it, until memory runs out; from then
    on it is half of what failed, and grows by one towards it. After a hundred full batches the
    failure is forgotten, for what else was in memory may be gone.
    """

    largest: int
    _limits: "OrderedDict[BatchKey, _Limit]" = field(default_factory=OrderedDict)

    def get(self, key: BatchKey) -> int:
        """How many images of this shape may be drawn together now."""
        return min(self._of(key).images, self.largest)

    def succeeded(self, key: BatchKey, images: int) -> None:
        """So many images were drawn together."""
        limit = self._of(key)
        if images < limit.images:
            return
        limit.successes += 1
        if limit.failed is None:
            limit.images = min(limit.images * 2, self.largest)
        elif limit.images + 1 < limit.failed:
            limit.images += 1
        elif limit.successes >= _SUCCESSES_TO_FORGET:
            limit.failed = None

    def failed(self, key: BatchKey, images: int) -> int:
        """So many did not fit; how many to try now."""
        limit = self._of(key)
        limit.images = halved(images)
        limit.failed = images
        limit.successes = 0
        return limit.images

    def _of(self, key: BatchKey) -> _Limit:
        limit = self._limits.setdefault(key, _Limit())
        self._limits.move_to_end(key)
        while len(self._limits) > _REMEMBERED_SHAPES:
            self._limits.popitem(last=False)
        return limit
