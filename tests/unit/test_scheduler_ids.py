"""The id of a request is an idempotency key, per caller."""

import threading

import pytest

from domain.errors import (
    IdConflict,
    JobNotFound,
    OutOfMemory,
)
from tests.unit.scheduling import Bench, request


def test_the_same_id_draws_once_however_many_ask(bench: Bench) -> None:
    with bench.worker():
        bench.generator.gate.clear()
        results = []

        def ask() -> None:
            results.append(bench.scheduler.submit(request(seed=None), caller="me").wait(10))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert bench.generator.began.wait(10)
        bench.generator.gate.set()
        for thread in threads:
            thread.join(10)
    assert len(bench.generator.drawn) == 1
    assert results == [results[0]] * 8


def test_a_finished_id_is_replayed_also_after_a_restart_and_without_its_model(
    bench: Bench,
) -> None:
    first = bench.scheduler.submit(request(seed=None), caller="me")
    bench.scheduler.run_once()
    bench.restart()
    bench.source.files.clear()
    bench.registry.refresh()
    bench.clock.now += 50
    again = bench.scheduler.submit(request(seed=None), caller="me")
    assert again.wait(0) == first.wait(0)
    assert len(bench.generator.drawn) == 1


def test_a_drawn_seed_belongs_to_the_id(bench: Bench) -> None:
    first = bench.scheduler.submit(request(seed=None), caller="me")
    seed = first.view.job.request.seed
    assert seed is not None
    bench.scheduler.submit(request(seed=seed), caller="me")
    with pytest.raises(IdConflict):
        bench.scheduler.submit(request(seed=seed + 1), caller="me")
    bench.scheduler.submit(request("fixed", seed=5), caller="me")
    with pytest.raises(IdConflict):
        bench.scheduler.submit(request("fixed", seed=None), caller="me")


@pytest.mark.parametrize("finished", [False, True])
def test_an_id_with_another_body_is_refused_and_the_first_untouched(
    bench: Bench, finished: bool
) -> None:
    first = bench.scheduler.submit(request(), caller="me")
    if finished:
        bench.scheduler.run_once()
    with pytest.raises(IdConflict):
        bench.scheduler.submit(request(prompt="another"), caller="me")
    if not finished:
        bench.scheduler.run_once()
    assert first.wait(0).request.prompt == "x"


def test_an_id_is_its_callers_own(bench: Bench) -> None:
    bench.scheduler.submit(request(), caller="me")
    bench.scheduler.submit(request(prompt="another"), caller="you")
    assert bench.scheduler.find("you", "r1").job.request.prompt == "another"
    with pytest.raises(JobNotFound):
        bench.scheduler.find("they", "r1")


def test_a_failed_and_a_cancelled_id_may_be_sent_again(bench: Bench) -> None:
    bench.generator.failures = [OutOfMemory("too large")]
    bench.scheduler.submit(request("failed"), caller="me")
    bench.scheduler.run_once()
    bench.scheduler.submit(request("cancelled"), caller="me")
    bench.scheduler.cancel("me", "cancelled")
    for name in ("failed", "cancelled"):
        again = bench.scheduler.submit(request(name), caller="me")
        bench.scheduler.run_once()
        assert again.wait(0).request.id == name
