import threading

import pytest

from application.jobs.watching import JobEvent, JobWatch
from domain.errors import JobNotFound
from tests.unit.jobs.scheduling import Bench, request


@pytest.fixture
def bench() -> Bench:
    return Bench()


def all_of(watch: JobWatch) -> list[JobEvent]:
    events = []
    while not watch.ended:
        event = watch.next(0)
        if event is None:
            break
        events.append(event)
    return events


def listen(bench: Bench, name: str = "r1", after: str | None = None) -> JobWatch:
    return bench.job_service.watch("me", name, after=after)


def test_a_job_is_followed_from_the_queue_to_its_end(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    watch = listen(bench)
    seen = [event.name for event in all_of(watch)]
    bench.generator.on_begin = lambda _requests: seen.extend(e.name for e in all_of(watch))
    bench.job_service.run_once()
    seen += [event.name for event in all_of(watch)]
    assert seen == ["queued", "progress", "done"]
    assert watch.ended
    assert watch.next(0) is None


def test_positions_move_up(bench: Bench) -> None:
    for name in ("first", "r1"):
        bench.job_service.submit(request(name), caller="me")
    watch = listen(bench)
    assert [event.view.position for event in all_of(watch)] == [2]
    bench.job_service.run_once()
    assert [event.view.position for event in all_of(watch)] == [1]


def test_changes_in_the_queue_behind_a_job_send_no_event(bench: Bench) -> None:
    bench.job_service.submit(request("r1"), caller="me")
    watch = listen(bench)
    assert len(all_of(watch)) == 1
    bench.job_service.submit(request("behind"), caller="me")
    assert all_of(watch) == []


def test_progress_has_a_rate_and_the_time_left(bench: Bench) -> None:
    bench.job_service.submit(request(num_inference_steps=4), caller="me")
    watch = listen(bench)
    seen: list[tuple[int, int, float | None, float | None]] = []
    started = threading.Event()

    class Clock:
        def __call__(self) -> float:
            if started.is_set():
                for event in all_of(watch):
                    progress = event.view.progress
                    assert progress is not None
                    if event.name == "progress":
                        seen.append(
                            (progress.step, progress.steps, progress.rate, progress.seconds_left)
                        )
            bench.clock.now += 0.5
            return bench.clock.now

    bench.job_service._worker.clock = Clock()
    all_of(watch)
    bench.generator.on_begin = lambda _requests: started.set()
    bench.job_service.run_once()
    assert seen == [(0, 4, None, None), (1, 4, None, None), (2, 4, 2, 1), (3, 4, 2, 0.5)]


def test_previews_are_made_only_for_listeners_and_not_too_often(bench: Bench) -> None:
    bench.job_service.submit(request("alone"), caller="me")
    bench.job_service.run_once()
    assert bench.generator.previews == 0
    bench.job_service.submit(request("r1", num_inference_steps=20), caller="me")
    watch = listen(bench)

    class Clock:
        def __call__(self) -> float:
            bench.clock.now += 0.125
            return bench.clock.now

    bench.job_service._worker.clock = Clock()
    bench.job_service.run_once()
    assert bench.generator.previews == 5
    watch.close()
    watch.close()
    bench.job_service.submit(request("r2"), caller="me")
    bench.job_service.run_once()
    assert bench.generator.previews == 5


def test_a_listener_receives_the_preview(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    watch = listen(bench)
    seen: list[JobEvent] = []
    original = bench.generator._preview

    def preview(number: int) -> bytes:
        seen.extend(all_of(watch))
        return original(number)

    bench.generator._preview = preview  # type: ignore[method-assign]

    class Clock:
        def __call__(self) -> float:
            seen.extend(all_of(watch))
            bench.clock.now += 1
            return bench.clock.now

    bench.job_service._worker.clock = Clock()
    bench.job_service.run_once()
    previews = [event for event in seen if event.name == "preview"]
    assert previews
    assert all(event.preview and event.preview.startswith(b"\xff\xd8") for event in previews)
    assert all(event.preview is None for event in seen if event.name != "preview")


def test_a_slow_listener_gets_the_newest_event_and_delays_nobody(bench: Bench) -> None:
    bench.job_service.submit(request(num_inference_steps=100), caller="me")
    watch = listen(bench)
    bench.job_service.run_once()
    assert [event.name for event in all_of(watch)] == ["done"]


def test_a_reconnecting_listener_gets_only_new_events(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    first = all_of(listen(bench))
    assert [event.name for event in first] == ["queued"]
    assert all_of(listen(bench, after=first[-1].id)) == []
    assert all_of(listen(bench, after="of another run-7")) == first
    bench.job_service.run_once()
    done = all_of(listen(bench, after=first[-1].id))
    assert [event.name for event in done] == ["done"]
    finished = listen(bench, after=done[-1].id)
    assert finished.ended
    assert finished.next(0) is None


def test_a_finished_job_sends_its_end_at_once_even_after_a_restart(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    bench.job_service.run_once()
    (before,) = all_of(listen(bench))
    bench.restart()
    (after,) = all_of(listen(bench))
    assert (before.id, before.name) == (after.id, after.name)
    assert after.view.job.images is not None


def test_a_cancelled_job_ends_its_stream(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    watch = listen(bench)
    bench.job_service.cancel("me", "r1")
    assert [event.view.job.status.value for event in all_of(watch)] == ["cancelled"]


def test_streams_end_when_the_service_does(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="me")
    watch = listen(bench)
    all_of(watch)
    waiting = threading.Thread(target=watch.next, args=(60,))
    waiting.start()
    bench.job_service.abandon()
    waiting.join(10)
    assert not waiting.is_alive()
    assert watch.ended


def test_no_caller_can_follow_a_job_of_another(bench: Bench) -> None:
    bench.job_service.submit(request(), caller="they")
    with pytest.raises(JobNotFound):
        listen(bench)
