"""Jobs are accepted, drawn in their order, and found."""

import pytest

from application.job import JobStatus
from domain.errors import (
    DeadlineUnmet,
    ImageNotFound,
    ModelNotFound,
    ModelsNotRead,
    OutOfMemory,
    QueueFull,
)
from domain.models.record import PendingModel, PendingState
from tests.unit.jobs.scheduling import MODEL, OTHER_MODEL, Bench, request


def test_jobs_are_drawn_in_order_of_arrival(bench: Bench) -> None:
    outcomes = [bench.job_service.submit(request(name), caller="me") for name in ("a", "b")]
    assert bench.job_service.waiting == 2
    assert [outcome.view.position for outcome in outcomes] == [1, 2]
    bench.job_service.run_once()
    assert outcomes[0].view.job.status is JobStatus.SUCCEEDED
    assert outcomes[1].view.position == 1
    bench.job_service.run_once()
    assert [outcome.wait(0).request.id for outcome in outcomes] == ["a", "b"]


def test_an_accepted_job_is_stored_before_it_is_drawn(bench: Bench) -> None:
    bench.job_service.submit(request("a"), caller="me")
    assert bench.statuses == {"a": "queued"}
    seen = []
    bench.generator.on_begin = lambda _requests: seen.append(bench.statuses)
    bench.job_service.run_once()
    assert seen == [{"a": "running"}]
    assert bench.statuses == {"a": "succeeded"}


def test_time_in_the_queue_is_measured_and_is_not_work(bench: Bench) -> None:
    outcome = bench.job_service.submit(request(), caller="me")
    bench.clock.now += 12
    bench.job_service.run_once()
    assert outcome.wait(0).timings.queue == 12
    assert outcome.wait(0).processing_time == 0


def test_a_full_queue_refuses_and_keeps_its_jobs(bench: Bench) -> None:
    outcomes = [bench.job_service.submit(request(name), caller="me") for name in ("a", "b")]
    assert bench.job_service.full
    with pytest.raises(QueueFull) as caught:
        bench.job_service.submit(request("c"), caller="me")
    assert caught.value.retry_after >= 1
    assert "c" not in bench.statuses
    bench.job_service.run_once()
    assert not bench.job_service.full
    outcomes.append(bench.job_service.submit(request("d"), caller="me"))
    bench.job_service.run_once()
    bench.job_service.run_once()
    assert [outcome.wait(0).request.id for outcome in outcomes] == ["a", "b", "d"]


def test_a_replay_and_a_join_pass_a_full_queue(bench: Bench) -> None:
    done = bench.job_service.submit(request("done"), caller="me")
    bench.job_service.run_once()
    for name in ("a", "b"):
        bench.job_service.submit(request(name), caller="me")
    assert bench.job_service.submit(request("done"), caller="me").wait(0) == done.wait(0)
    bench.job_service.submit(request("a"), caller="me")


def test_a_running_job_does_not_count_as_waiting(bench: Bench) -> None:
    with bench.worker():
        bench.generator.gate.clear()
        bench.job_service.submit(request("running"), caller="me")
        assert bench.generator.began.wait(10)
        for name in ("a", "b"):
            bench.job_service.submit(request(name), caller="me")
        with pytest.raises(QueueFull):
            bench.job_service.submit(request("c"), caller="me")


def test_a_request_for_an_unknown_model_takes_no_slot(bench: Bench) -> None:
    with pytest.raises(ModelNotFound):
        bench.job_service.submit(request(model_id="0" * 64), caller="me")
    assert bench.job_service.waiting == 0
    assert bench.jobs.jobs == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [(OutOfMemory("too large"), "out_of_memory"), (RuntimeError("a bug"), "internal_error")],
)
def test_a_failed_job_does_not_affect_the_next_one(
    bench: Bench, error: Exception, code: str
) -> None:
    bench.generator.failures = [error]
    bad = bench.job_service.submit(request("bad"), caller="me")
    good = bench.job_service.submit(request("good"), caller="me")
    bench.job_service.run_once()
    bench.job_service.run_once()
    with pytest.raises(type(error)):
        bad.wait(0)
    failure = bench.job_service.find("me", "bad").job.failure
    assert failure is not None
    assert failure.code == code
    assert "a bug" not in failure.detail
    assert good.wait(0).request.id == "good"


@pytest.mark.parametrize("state", PendingState)
def test_a_job_waits_until_its_model_is_listed_again(bench: Bench, state: PendingState) -> None:
    job = bench.job_service.submit(request(), caller="me")
    other = bench.job_service.submit(request("other", model_id=OTHER_MODEL.id), caller="me")
    content = bench.source.files.pop(MODEL.path)
    bench.source.pending = (PendingModel(MODEL.name, MODEL.path, MODEL.size, state),)
    bench.registry.refresh()
    bench.job_service.run_once()
    assert other.wait(0)
    bench.source.files[MODEL.path] = content
    bench.source.pending = ()
    bench.registry.refresh()
    bench.job_service.run_once()
    assert job.wait(0)


def test_a_job_waits_until_its_folder_is_back(bench: Bench) -> None:
    bench.source.files = {MODEL.path: b"weights", "here/other.safetensors": b"other weights"}
    bench.registry.refresh()
    job = bench.job_service.submit(request(), caller="me")
    other = bench.job_service.submit(request("other", model_id=OTHER_MODEL.id), caller="me")
    bench.source.away = {"models"}
    bench.registry.refresh()
    bench.job_service.run_once()
    assert other.wait(0)
    assert job.view.job.status is JobStatus.QUEUED
    with pytest.raises(ModelsNotRead):
        bench.job_service.submit(request("new"), caller="me")
    bench.source.away.clear()
    bench.registry.refresh()
    bench.job_service.run_once()
    assert job.wait(0)


def test_a_model_removed_while_a_folder_is_away_fails_its_jobs(bench: Bench) -> None:
    job = bench.job_service.submit(request(), caller="me")
    del bench.source.files[MODEL.path]
    bench.source.away = {"another folder"}
    bench.registry.refresh()
    bench.job_service.run_once()
    with pytest.raises(ModelNotFound):
        job.wait(0)


def test_a_removed_model_fails_its_jobs(bench: Bench) -> None:
    job = bench.job_service.submit(request(), caller="me")
    del bench.source.files[MODEL.path]
    bench.registry.refresh()
    bench.job_service.run_once()
    with pytest.raises(ModelNotFound):
        job.wait(0)


def test_an_unreachable_deadline_is_refused_before_any_work(bench: Bench) -> None:
    bench.job_service.submit(request("unknown yet"), caller="me", within=1)
    bench.job_service.run_once()  # the fake takes half a second for it
    bench.job_service.submit(request("just so"), caller="me", within=1)
    with pytest.raises(DeadlineUnmet) as caught:
        bench.job_service.submit(request("too late"), caller="me", within=1)
    assert caught.value.retry_after >= 1
    assert "too late" not in bench.statuses
    bench.job_service.submit(request("patient"), caller="me", within=10)


def test_pages_start_with_the_newest_and_link_to_older_ones(bench: Bench) -> None:
    for number in range(5):
        bench.job_service.submit(request(f"r{number}"), caller="me")
        bench.job_service.run_once()
    bench.job_service.submit(request("theirs"), caller="they")
    first = bench.job_service.page("me", status=None, before=None, limit=3)
    assert [view.job.request.id for view in first.jobs] == ["r4", "r3", "r2"]
    last = bench.job_service.page("me", status=None, before=first.older, limit=3)
    assert [view.job.request.id for view in last.jobs] == ["r1", "r0"]
    assert last.older is None
    assert not bench.job_service.page("me", status=JobStatus.FAILED, before=None, limit=3).jobs


def test_pictures_are_found_by_their_number(bench: Bench) -> None:
    job = bench.job_service.submit(request(num_images=2), caller="me")
    with pytest.raises(ImageNotFound):
        bench.job_service.image("me", "r1", 0)
    bench.job_service.run_once()
    images = [bench.job_service.image("me", "r1", number) for number in (0, 1)]
    assert images == [image.data for image in job.wait(0).images]
    for number in (-1, 2):
        with pytest.raises(ImageNotFound):
            bench.job_service.image("me", "r1", number)


def test_old_jobs_and_their_pictures_are_removed(bench: Bench) -> None:
    bench.job_service.submit(request("old"), caller="me")
    bench.job_service.run_once()
    bench.clock.now += 100
    bench.job_service.submit(request("new"), caller="me")
    bench.job_service.run_once()
    bench.records.tidy()
    assert set(bench.statuses) == {"old", "new"}
    bench.clock.now += 0.5
    bench.records.tidy()
    assert set(bench.statuses) == {"new"}
    assert len(bench.results.files) == 1


def test_one_log_line_says_what_was_drawn_for_whom_without_the_prompt(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench.job_service.submit(request(prompt="my secret wish"), caller="key:abc")
    bench.job_service.run_once()
    bench.job_service.submit(request("a\nERROR forged"), caller="me\nERROR forged")
    bench.job_service.run_once()
    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert "id='r1' caller='key:abc'" in caplog.text
    assert "secret wish" not in caplog.text


def test_callers_take_turns(bench: Bench) -> None:
    bench = Bench(max_queue=8)
    for name in ("a1", "a2", "a3"):
        bench.job_service.submit(request(name), caller="a")
    bench.job_service.submit(request("b1"), caller="b")
    while bench.job_service.waiting:
        bench.job_service.run_once()
    assert [drawn.id for drawn in bench.generator.drawn] == ["a1", "b1", "a2", "a3"]


def test_the_loaded_model_is_preferred(bench: Bench) -> None:
    bench = Bench(max_queue=8)
    for name, model in (("a", MODEL), ("b", OTHER_MODEL), ("c", MODEL)):
        bench.job_service.submit(request(name, model_id=model.id), caller=name)
    while bench.job_service.waiting:
        bench.job_service.run_once()
    assert [drawn.id for drawn in bench.generator.drawn] == ["a", "c", "b"]
