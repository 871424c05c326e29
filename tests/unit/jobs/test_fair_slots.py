"""How many slots of the queue, and of other resources, one caller may hold."""

import pytest

from application.fairness import fair_places
from domain.errors import QueueFull
from tests.unit.jobs.scheduling import Bench, request


def fill(bench: Bench, caller: str) -> int:
    """Let a caller submit jobs until one is refused; return the number of accepted ones."""
    for number in range(1000):
        try:
            bench.job_service.submit(request(f"{caller} {number}"), caller=caller)
        except QueueFull as error:
            assert error.retry_after >= 1
            return number
    raise AssertionError("the queue never is full")


@pytest.mark.parametrize(
    "number, alone", [(1, 1), (2, 2), (4, 4), (5, 4), (8, 6), (32, 24), (64, 48)]
)
def test_one_caller_leaves_a_quarter_of_a_long_queue(number: int, alone: int) -> None:
    bench = Bench(max_queue=number)
    assert fill(bench, "greedy") == alone
    assert bench.job_service.full is (alone == number)


def test_a_new_caller_finds_a_slot_beside_greedy_ones() -> None:
    bench = Bench(max_queue=64)
    taken = [fill(bench, caller) for caller in ("a", "b", "c")]
    assert taken == [48, 12, 3]
    bench.job_service.submit(request("new"), caller="newcomer")
    with pytest.raises(QueueFull, match="the queue is full: 64 jobs"):
        bench.job_service.submit(request("newer"), caller="another")


def test_the_refusal_of_a_greedy_caller_names_its_own_jobs_as_the_reason() -> None:
    bench = Bench(max_queue=8)
    fill(bench, "greedy")
    with pytest.raises(QueueFull, match="6 jobs of this caller are already waiting"):
        bench.job_service.submit(request("one more"), caller="greedy")


@pytest.mark.parametrize("most", [1, 63, 64])
def test_a_fixed_number_replaces_the_share(most: int) -> None:
    assert fill(Bench(max_queue=64, max_queue_per_caller=most), "greedy") == most


def test_a_released_slot_can_be_taken() -> None:
    bench = Bench(max_queue=8)
    assert fill(bench, "greedy") == 6
    bench.job_service.run_once()
    bench.job_service.submit(request("one more"), caller="greedy")


def test_every_caller_may_hold_at_least_one_slot() -> None:
    assert fair_places(100, 0) == 1
