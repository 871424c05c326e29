import itertools
import random

import pytest

from application.jobs.batching import (
    AFFINITY_PASSES,
    Batch,
    BatchLimits,
    Waiting,
    drawing_order,
    next_batch,
)
from domain.generation.request import BatchKey

A, B = "a" * 64, "b" * 64
_numbers = itertools.count()


def key(model_id: str = A, width: int = 512) -> BatchKey:
    return BatchKey(model_id, width, 512, 30, 7.5)


def job(caller: str = "me", *, model: str = A, **changes: object) -> Waiting:
    values: dict[str, object] = {
        "caller": caller,
        "number": next(_numbers),
        "arrived": 0,
        "batch_key": key(model),
        "images": 1,
    }
    return Waiting(**(values | changes))  # type: ignore[arg-type]


def draw(order: list[Waiting], last_model: str | None = None, limit: int = 1) -> Batch:
    return next_batch(order, last_model=last_model, limit=lambda _key: limit)


def test_one_caller_is_served_in_order_of_arrival() -> None:
    jobs = [job() for _ in range(5)]
    assert drawing_order(list(reversed(jobs)), {}) == jobs


def test_callers_take_turns_however_many_jobs_one_has() -> None:
    many = [job("many") for _ in range(4)]
    one = job("one")
    assert drawing_order([*many, one], {}) == [many[0], one, *many[1:]]


def test_the_least_recently_served_caller_goes_first() -> None:
    jobs = {name: job(name) for name in ("recent", "long ago", "never")}
    order = drawing_order(list(jobs.values()), {"recent": 9, "long ago": 2})
    assert [each.caller for each in order] == ["never", "long ago", "recent"]


def test_a_caller_that_arrives_during_a_drawing_is_next() -> None:
    waiting = [job("many", arrived=0), job("many", arrived=0), job("new", arrived=7)]
    order = drawing_order(waiting, {"many": 7})
    assert [each.caller for each in order] == ["new", "many", "many"]


def test_a_stream_of_new_callers_delays_nobody() -> None:
    served: dict[str, int] = {"patient": 1}
    waiting = [job("patient", arrived=1)]
    for turn in range(2, 20):
        waiting += [job(f"new {turn}.{i}", arrived=turn) for i in range(3)]
        chosen = drawing_order(waiting, served)[0]
        waiting.remove(chosen)
        served[chosen.caller] = turn
        if chosen.caller == "patient":
            break
    assert turn <= 3


def test_every_caller_is_served_once_per_round() -> None:
    rng = random.Random(1)
    jobs = [job(rng.choice("abcde")) for _ in range(200)]
    order = drawing_order(jobs, {})
    assert sorted(order, key=lambda each: each.number) == jobs
    left = {name: sum(each.caller == name for each in jobs) for name in "abcde"}
    while order:
        present = [name for name, count in left.items() if count]
        turns, order = order[: len(present)], order[len(present) :]
        assert sorted(each.caller for each in turns) == present
        for each in turns:
            left[each.caller] -= 1


def test_last_resort_jobs_go_after_all_others_of_all_callers() -> None:
    last = [job("a", goes_last=True, alone=True), job("b", goes_last=True, alone=True)]
    others = [job("a"), job("c"), job("c")]
    assert drawing_order([*last, *others], {})[:3] == others


def test_last_resort_jobs_are_not_drawn_before_or_with_others() -> None:
    last, other, same = job("a", goes_last=True, alone=True), job("b", model=B), job("c")
    order = drawing_order([last, other, same], {})
    assert draw(order, last_model=A, limit=4) == Batch((same,), passed=other)
    assert draw([other, last], last_model=A, limit=4).jobs == (other,)


def test_a_solo_job_is_drawn_with_no_other() -> None:
    deadly, too, good, fine = job("a", alone=True), job("b", alone=True), job("c"), job("d")
    assert draw([deadly, too, good], limit=4) == Batch((deadly,))
    assert draw([good, too, fine], limit=4) == Batch((good, fine))


def test_jobs_of_one_shape_are_drawn_together_up_to_the_limit() -> None:
    jobs = [job("a"), job("b", batch_key=key(width=256)), job("c"), job("d"), job("e")]
    batch = draw(jobs, limit=3)
    assert batch.jobs == (jobs[0], jobs[2], jobs[3])
    assert draw(jobs, limit=1).jobs == (jobs[0],)


def test_images_count_towards_the_limit_not_jobs() -> None:
    jobs = [job("a", images=2), job("b", images=4), job("c", images=2)]
    assert draw(jobs, limit=4).jobs == (jobs[0], jobs[2])


def test_a_job_above_the_limit_is_drawn_alone() -> None:
    jobs = [job("a", images=4), job("b")]
    assert draw(jobs, limit=2).jobs == (jobs[0],)


def test_the_loaded_model_may_go_first_only_a_few_times() -> None:
    waiting = job("a", model=B)
    others = [job(f"c{i}", model=A) for i in range(10)]
    taken = 0
    while True:
        batch = draw([waiting, *others], last_model=A)
        if waiting in batch.jobs:
            break
        assert batch.passed is waiting
        others.remove(batch.jobs[0])
        waiting = job("a", model=B, number=waiting.number, passes=waiting.passes + 1)
        taken += 1
    assert taken == AFFINITY_PASSES


@pytest.mark.parametrize("last_model", [None, A, "c" * 64])
def test_the_first_job_goes_first_if_its_model_or_no_model_is_loaded(
    last_model: str | None,
) -> None:
    jobs = [job("a", model=A), job("b", model=B)]
    batch = draw(jobs, last_model=last_model)
    assert batch == Batch((jobs[0],), None)


def test_a_limit_doubles_while_full_batches_succeed() -> None:
    limits = BatchLimits(largest=6)
    seen = [limits.get(key())]
    for _ in range(4):
        limits.succeeded(key(), limits.get(key()))
        seen.append(limits.get(key()))
    assert seen == [1, 2, 4, 6, 6]


def test_a_batch_below_the_limit_does_not_change_it() -> None:
    limits = BatchLimits(largest=8)
    limits.succeeded(key(), 1)
    limits.succeeded(key(), 1)
    assert limits.get(key()) == 2


def test_out_of_memory_halves_the_limit_and_it_stays_below() -> None:
    limits = BatchLimits(largest=16)
    for _ in range(4):
        limits.succeeded(key(), limits.get(key()))
    assert limits.get(key()) == 16
    assert limits.failed(key(), 16) == 8
    assert limits.failed(key(), 8) == 4
    seen = []
    for _ in range(6):
        limits.succeeded(key(), limits.get(key()))
        seen.append(limits.get(key()))
    assert seen == [5, 6, 7, 7, 7, 7]


def test_a_failure_is_forgotten_after_many_successes() -> None:
    limits = BatchLimits(largest=4)
    limits.failed(key(), 2)
    for _ in range(100):
        limits.succeeded(key(), limits.get(key()))
    assert limits.get(key()) == 1
    limits.succeeded(key(), 1)
    assert limits.get(key()) == 2


def test_the_limit_is_at_least_one_image() -> None:
    limits = BatchLimits(largest=4)
    assert limits.failed(key(), 1) == 1


def test_each_shape_has_its_own_limit_and_their_number_is_bounded() -> None:
    limits = BatchLimits(largest=8)
    limits.succeeded(key(A), 1)
    assert (limits.get(key(A)), limits.get(key(B))) == (2, 1)
    for width in range(256, 256 + 300):
        limits.get(key(B, width))
    assert limits.get(key(A)) == 1
