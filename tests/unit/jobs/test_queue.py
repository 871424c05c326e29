"""Generated sequences of what happens to a queue that several workers share."""

import dataclasses
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from application.job import Job, Progress
from application.jobs.live_job import LiveJob
from application.jobs.queue import JobQueue
from application.jobs.turns import AFFINITY_PASSES
from application.ports.job_observer import NoJobObserver
from domain.errors import GenerationFailed, JobCancelled
from domain.generation.request import BatchKey, GenerationRequest

MODELS = ("a" * 64, "b" * 64, "c" * 64)
LIMIT = 3
_HAS_JOBS = precondition(lambda self: self.waiting)
_DRAWS = precondition(lambda self: any(self.drawn_by.values()))


class SharedQueue(RuleBasedStateMachine):
    """Jobs come, are taken, cancelled and finished; workers leave. `waiting` is what should be."""

    @initialize(workers=st.integers(1, 4))
    def begin(self, workers: int) -> None:
        self.queue = JobQueue(max_waiting=50, max_of_caller=None, observer=NoJobObserver())
        self.drawn_by: dict[str, list[LiveJob]] = {f"w{n}": [] for n in range(workers)}
        for worker in self.drawn_by:
            self.queue.join(worker)
        self.waiting: list[LiveJob] = []
        self.taken: Counter[int] = Counter()
        self.number = 0

    @rule(caller=st.sampled_from("xyz"), model=st.sampled_from(MODELS), images=st.integers(1, 4))
    def put(self, caller: str, model: str, images: int) -> None:
        self._put(caller, model, images, attempts=0)

    @rule(caller=st.sampled_from("xyz"), model=st.sampled_from(MODELS))
    def put_one_that_crashed(self, caller: str, model: str) -> None:
        self._put(caller, model, 1, attempts=1)

    def _put(self, caller: str, model: str, images: int, *, attempts: int) -> None:
        self.number += 1
        wanted = GenerationRequest(
            id=str(self.number), model_id=model, prompt="x", seed=1, num_images=images
        )
        job = Job(caller=caller, request=wanted, seed_drawn=False, token="", created_at=0.0)
        job = dataclasses.replace(job, sequence=self.number, attempts=attempts)
        self.waiting.append(self.queue.put(job))

    @_HAS_JOBS
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        running = [live for jobs in self.drawn_by.values() for live in jobs]
        idle = [worker for worker, jobs in self.drawn_by.items() if not jobs]
        must_wait = any(live.crashed_before for live in running) or (
            running and any(live.crashed_before for live in self.waiting)
        )
        if not idle or must_wait:
            return
        worker = data.draw(st.sampled_from(idle))
        warm = data.draw(st.sets(st.sampled_from(MODELS)))
        asked: Counter[BatchKey] = Counter()

        def limit(key: BatchKey) -> int:
            asked[key] += 1
            return LIMIT

        batch = self.queue.take(
            worker, warm=warm, limit=limit, may_draw=lambda _model: True, window=0
        )
        assert batch is not None
        assert set(asked.values()) == {1}, "the limit is asked for once"
        assert set(batch.jobs) <= set(self.waiting)
        assert len({live.job.request.batch_key for live in batch.jobs}) == 1
        assert len(batch.jobs) == 1 or self._images(batch.jobs) <= LIMIT
        if any(live.crashed_before for live in batch.jobs):
            assert len(batch.jobs) == 1
            assert not running
        self._keeps_each_callers_order(batch.jobs)
        for live in batch.jobs:
            self.taken[live.job.sequence] += 1
            self.waiting.remove(live)
            self.queue.started(live, Progress(0, 30), now=1.0, at=0.0)
        self.drawn_by[worker] = list(batch.jobs)

    def _keeps_each_callers_order(self, batch: tuple[LiveJob, ...]) -> None:
        leader = batch[0]
        for live in self.waiting:
            is_older = live.job.sequence < leader.job.sequence
            if live.job.caller == leader.job.caller and is_older and live not in batch:
                is_other_model = live.job.request.model_id != leader.job.request.model_id
                assert is_other_model or live.crashed_before

    @staticmethod
    def _images(jobs: tuple[LiveJob, ...]) -> int:
        return sum(live.job.request.num_images for live in jobs)

    @_DRAWS
    @rule(data=st.data(), fails=st.booleans())
    def finish(self, data: st.DataObject, fails: bool) -> None:
        worker = data.draw(st.sampled_from([w for w, jobs in self.drawn_by.items() if jobs]))
        live = self.drawn_by[worker].pop()
        assert self.queue.settle(live)
        assert not self.queue.settle(live), "one thread decides"
        self.queue.stop(live)
        assert not live.cancelling, "too late for a cancel"
        self.queue.finish(live, live.job.cancelled(2.0), GenerationFailed("x"))

    @_HAS_JOBS
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        live = data.draw(st.sampled_from(self.waiting))
        assert self.queue.withdraw(live)
        assert not self.queue.withdraw(live)
        if data.draw(st.booleans()):
            self.queue.restore(live)
            return
        self.waiting.remove(live)
        self.queue.finish(live, live.job.cancelled(2.0), JobCancelled("x"))

    @precondition(lambda self: len(self.drawn_by) > 1)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(sorted(self.drawn_by)))
        for live in self.drawn_by.pop(worker):
            assert live in self.queue.running_of(worker)
            self.queue.finish(live, live.job.cancelled(2.0), GenerationFailed("lost"))
        assert self.queue.leave(worker)
        taken = self.queue.take(
            worker, warm=(), limit=lambda _key: 1, may_draw=lambda _model: True, window=0
        )
        assert taken is None

    @invariant()
    def no_job_is_lost_and_none_is_drawn_twice(self) -> None:
        if not hasattr(self, "queue"):
            return
        assert self.queue.waiting == len(self.waiting)
        assert all(count == 1 for count in self.taken.values())
        drawn = sorted(map(len, self.drawn_by.values()))
        assert sorted(map(len, self.queue.batches)) == drawn
        assert self.queue.load(0.0).running == sum(drawn)
        positions = [self.queue.view(live).position for live in self.waiting]
        assert sorted(map(int, filter(None, positions))) == list(range(1, len(self.waiting) + 1))
        assert all(live.passes <= AFFINITY_PASSES for live in self.waiting)


TestSharedQueue = SharedQueue.TestCase
TestSharedQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_lock_of_the_queue_is_its_own() -> None:
    queue = JobQueue(max_waiting=1, max_of_caller=None, observer=NoJobObserver())
    public = {name: value for name, value in vars(queue).items() if not name.startswith("_")}
    assert public == {}
