"""Previews at even steps, for clients that ask for a number of them."""

import pytest

from application.jobs.partial_pictures import PartialPictures
from application.jobs.watching import JobEvent, JobWatch
from domain.services.drawing_watchers import GenerationStep
from tests.unit.jobs.scheduling import Bench, request


@pytest.fixture
def bench() -> Bench:
    return Bench()


def listen(bench: Bench, partials: int, name: str = "r1") -> JobWatch:
    return bench.job_service.watch("me", name, previews=False, partials=partials)


def all_of(watch: JobWatch) -> list[JobEvent]:
    events = []
    while not watch.ended and (event := watch.next(0)) is not None:
        events.append(event)
    return events


def partials_of(watch: JobWatch) -> list[bytes | None]:
    return [event.preview for event in all_of(watch) if event.name == "partial"]


def number_previews(bench: Bench) -> None:
    """Let each preview name its step."""
    steps: list[int] = [0]
    bench.generator.after_step = lambda step: steps.append(step.done)
    bench.generator._preview = (  # type: ignore[method-assign]
        lambda number: b"step %d" % (steps[-1] + 1)
    )


@pytest.mark.parametrize(
    ("partials", "steps", "drawn"),
    [
        (0, 8, []),
        (1, 8, [4]),
        (2, 9, [3, 6]),
        (3, 8, [2, 4, 6]),
        (3, 20, [5, 10, 15]),
        (3, 5, [2, 3, 4]),
        (3, 4, [1, 2, 3]),
        (3, 3, [1, 2]),
        (3, 2, [1]),
        (3, 1, []),
        (2, 30, [10, 20]),
    ],
)
def test_partial_pictures_are_at_even_steps(
    bench: Bench, partials: int, steps: int, drawn: list[int]
) -> None:
    number_previews(bench)
    bench.job_service.submit(request(num_inference_steps=steps), caller="me")
    watch = listen(bench, partials)
    bench.job_service.run_once()
    assert partials_of(watch) == [b"step %d" % step for step in drawn]


def test_a_slow_listener_gets_each_partial_picture_and_then_the_end(bench: Bench) -> None:
    bench.job_service.submit(request(num_inference_steps=8), caller="me")
    watch = listen(bench, 3)
    bench.job_service.run_once()
    assert [event.name for event in all_of(watch)] == ["partial", "partial", "partial", "done"]
    assert watch.ended


def test_each_listener_gets_the_number_that_it_asks_for(bench: Bench) -> None:
    number_previews(bench)
    bench.job_service.submit(request(num_inference_steps=12), caller="me")
    watches = [listen(bench, partials) for partials in (1, 3, 3, 0)]
    bench.job_service.run_once()
    assert [partials_of(watch) for watch in watches] == [
        [b"step 6"],
        *([b"step 3", b"step 6", b"step 9"],) * 2,
        [],
    ]
    assert bench.generator.batches == [("r1",)]


def test_a_late_listener_gets_those_that_are_left(bench: Bench) -> None:
    bench.job_service.submit(request(num_inference_steps=8), caller="me")
    watches: list[JobWatch] = []

    def come_late(step: GenerationStep) -> None:
        if step.done == 4:
            watches.append(listen(bench, 3))

    bench.generator.after_step = come_late
    bench.job_service.run_once()
    # The parts after steps 2 and 4 count as one.
    assert len(partials_of(watches[0])) == 2


def test_no_preview_is_made_after_the_last_listener_has_left(bench: Bench) -> None:
    bench.job_service.submit(request(num_inference_steps=8), caller="me")
    listen(bench, 3).close()
    bench.job_service.run_once()
    assert bench.generator.previews == 0


def test_a_drawing_that_begins_again_sends_no_more_than_were_asked_for() -> None:
    partials = PartialPictures()
    partials.listen(2)
    first = [event for step in range(1, 9) for event in partials.add(b"first", step, 9)]
    again = [event for step in range(1, 37) for event in partials.add(b"again", step, 36)]
    assert [partials.get(event) for event in first] == [b"first", b"first"]
    assert again == []


def test_events_of_other_listeners_do_not_change(bench: Bench) -> None:
    bench.job_service.submit(request(num_inference_steps=8), caller="me")
    plain = bench.job_service.watch("me", "r1", previews=False)
    listen(bench, 3)
    bench.job_service.run_once()
    assert [event.name for event in all_of(plain)] == ["done"]
