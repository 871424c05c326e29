"""Rows that another release stored stop nothing, and are shown unchanged."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.http.generation.schemas import GenerationResultSchema
from adapters.http.v1.jobs.schemas import JobSchema
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_json import job_from_json, job_to_json
from adapters.storage.sql.job_store import SqlJobStore
from application.job import Job, JobImage, JobKey, JobStatus, JobView
from application.jobs.job_service import JobService
from application.jobs.records import JobRecords
from domain.errors import IdConflict, JobCancelled, JobNotFound
from domain.generation.request import GenerationRequest
from domain.generation.upscale_request import UpscaleRequest
from domain.pictures import PictureRef
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec
from tests.fakes.stores import FakeResultStore, FakeSoleUse

MODEL = model_record()

REFUSED: dict[str, dict[str, Any]] = {
    "an unknown scheduler": {"request": {"scheduler": "Quantum a"}},
    "an unknown format": {"request": {"output_format": "avif"}},
    "sides past the limits": {"request": {"width": 8192, "height": 4096}},
    "a prompt past the limits": {"request": {"prompt": "p" * 100_000}},
    "more pictures": {"request": {"num_images": 99}},
    "an unknown field": {"request": {"tiling": [True]}},
    "a part that is not known": {"request": {"loras": [{"model_id": MODEL.id, "blocks": "x"}]}},
    "a part past the limits": {"request": {"loras": [{"model_id": MODEL.id, "scale": 9}]}},
    "a part of another shape": {"request": {"source": ["x"], "controls": {"scale": 1}}},
    "other types": {"request": {"num_inference_steps": "many", "seed": [1]}},
    "an odd failure": {"failure": {"reason": 5}},
    "a time as text": {"started_at": "2031-01-01T00:00:00Z"},
    "a year past all dates": {"started_at": 1e300},
    "steps as text": {"steps_done": "some", "steps_in_all": [1]},
    "odd pictures": {"images": [{"seed": "x"}], "timings": 3, "warnings": 7},
}


class Bench:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "jobs.sqlite"
        self.results = FakeResultStore()
        self.generator = FakeImageGenerator()
        self.store = SqlJobStore(SqlDatabase(f"sqlite:///{self.file}"))
        self.job_service = self.started()

    def started(self) -> JobService:
        """Return the job service of a new run over the same rows."""
        registry = ModelRegistry(FakeModelSource({MODEL.path: b"weights"}))
        registry.refresh()
        records = JobRecords(
            self.store,
            self.results,
            FakeSoleUse(),
            retention_seconds=1e9,
            retention_bytes=10**9,
            now=lambda: 1000.0,
        )
        return JobService(
            [GenerateImages(registry, self.generator, FakePictureCodec())], records, max_queue=9
        )

    def request(self, name: str) -> GenerationRequest:
        return GenerationRequest(id=name, model_id=MODEL.id, prompt="x", seed=1)

    def submit(self, name: str) -> None:
        self.job_service.submit(self.request(name), caller="me")

    def change(self, name: str, **changes: Any) -> None:
        """Store another body for this job, as a newer release may have."""
        with sqlite3.connect(self.file) as connection:
            rows = connection.execute("select sequence, body from jobs").fetchall()
            for number, text in rows:
                body = json.loads(text)
                if body["request"]["id"] != name:
                    continue
                body["request"] |= changes.get("request", {})
                body |= {key: value for key, value in changes.items() if key != "request"}
                body["added_later"] = {"depth": 1}
                connection.execute(
                    "update jobs set body = ?, status = ? where sequence = ?",
                    (json.dumps(body), changes.get("status", "queued"), number),
                )
        connection.close()

    def body(self, name: str) -> dict[str, Any]:
        connection = sqlite3.connect(self.file)
        texts = [text for (text,) in connection.execute("select body from jobs")]
        connection.close()
        (found,) = [each for each in map(json.loads, texts) if each["request"]["id"] == name]
        return dict(found)

    def listed(self, status: JobStatus | None = None) -> list[str]:
        page = self.job_service.page("me", status=status, before=None, limit=100)
        return [view.job.request.id for view in page.jobs]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.store.close()


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_a_queued_foreign_job_fails_with_the_reason_and_the_next_is_drawn(
    bench: Bench, changes: dict[str, Any]
) -> None:
    for name in ("before", "odd", "after"):
        bench.submit(name)
    bench.change("odd", **changes)
    stored = bench.body("odd")
    bench.job_service = bench.started()
    bench.job_service.recover()
    bench.job_service.drain()
    while bench.job_service.run_once():
        pass
    assert bench.listed() == ["after", "odd", "before"]
    assert [each.id for each in bench.generator.drawn] == ["before", "after"]
    view = bench.job_service.find("me", "odd")
    assert view.job.status is JobStatus.FAILED
    assert view.job.failure is not None
    assert view.job.failure.code == "job_not_readable"
    kept = bench.body("odd")
    assert {name for name in kept if kept[name] != stored.get(name)} <= {
        *("status", "finished_at", "failure"),
    }
    shown = JobSchema().dump(view)
    assert shown["error"]["code"] == "job_not_readable"
    for name, value in changes.get("request", {}).items():
        if isinstance(value, str | int) and shown["request"][name] != value:
            assert name == "num_inference_steps"  # a text, although every client expects a number
    json.dumps(shown)


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_finished_foreign_job_is_shown_unchanged(
    bench: Bench, changes: dict[str, Any], status: str
) -> None:
    bench.submit("odd")
    bench.change("odd", **changes, status=status)
    stored = bench.body("odd")
    bench.job_service = bench.started()
    bench.job_service.recover()
    assert bench.listed() == bench.listed(JobStatus(status)) == ["odd"]
    json.dumps(JobSchema().dump(bench.job_service.find("me", "odd")))
    assert bench.body("odd") == stored


def test_an_unknown_status_is_reported_and_its_id_stays_taken(bench: Bench) -> None:
    bench.submit("odd")
    bench.change("odd", status="paused")
    stored = bench.body("odd")
    bench.job_service = bench.started()
    bench.job_service.recover()
    job = bench.job_service.find("me", "odd").job
    assert job.failure is not None
    assert "'paused'" in job.failure.detail
    other = GenerationRequest(id="odd", model_id=MODEL.id, prompt="another", seed=1)
    with pytest.raises(IdConflict):
        bench.job_service.submit(other, caller="me")
    assert bench.body("odd") == stored


def test_a_job_of_an_unknown_status_answers_nothing(bench: Bench) -> None:
    bench.submit("odd")
    bench.change("odd", status="paused")
    bench.job_service = bench.started()
    with pytest.raises(IdConflict):
        bench.job_service.submit(bench.request("odd"), caller="me")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"request": 5}', '{"request": {"id": 5}}', "[" * 100_000]
)
def test_an_invalid_row_hides_no_other(bench: Bench, text: str) -> None:
    for number in range(5):
        bench.submit(f"r{number}")
    with sqlite3.connect(bench.file) as connection:
        connection.execute("update jobs set body = ? where sequence in (2, 3)", (text,))
    connection.close()
    bench.job_service = bench.started()
    bench.job_service.recover()
    assert bench.listed() == ["r4", "r3", "r0"]
    page = bench.job_service.page("me", status=None, before=None, limit=2)
    assert [view.job.request.id for view in page.jobs] == ["r4", "r3"]
    rest = bench.job_service.page("me", status=None, before=page.older, limit=2)
    assert [view.job.request.id for view in rest.jobs] == ["r0"]
    assert bench.store.unfinished()[0].key == JobKey("me", "r0")
    connection = sqlite3.connect(bench.file)
    rows = connection.execute("select status from jobs order by sequence").fetchall()
    connection.close()
    assert [status for (status,) in rows] == ["queued", "failed", "failed", "queued", "queued"]


def test_the_same_request_gets_its_result_if_only_other_fields_are_foreign(bench: Bench) -> None:
    bench.submit("odd")
    bench.job_service.drain()
    bench.job_service.run_once()
    bench.change("odd", status="succeeded", timings=3)
    bench.job_service = bench.started()
    result = bench.job_service.submit(bench.request("odd"), caller="me").wait(0)
    assert json.dumps(GenerationResultSchema().dump(result))
    assert len(result.images) == 1


@pytest.mark.parametrize("changes", [each for each in REFUSED.values() if "request" in each])
def test_a_request_that_is_only_partly_known_equals_no_other(
    bench: Bench, changes: dict[str, Any]
) -> None:
    bench.submit("odd")
    bench.job_service.drain()
    bench.job_service.run_once()
    bench.change("odd", **changes, status="succeeded")
    bench.job_service = bench.started()
    with pytest.raises(IdConflict):
        bench.job_service.submit(bench.request("odd"), caller="me")


def test_a_job_with_foreign_pictures_is_never_answered_without_pictures(bench: Bench) -> None:
    bench.submit("odd")
    bench.change("odd", status="succeeded", images=[{"depth": 16}])
    stored = bench.body("odd")
    bench.job_service = bench.started()
    with pytest.raises(IdConflict):
        bench.job_service.submit(bench.request("odd"), caller="me")
    assert bench.body("odd") == stored


def test_a_deleted_job_is_gone_from_the_store(bench: Bench) -> None:
    bench.submit("a")
    bench.job_service.cancel("me", "a")
    bench.job_service.forget("me", "a")
    with pytest.raises(JobNotFound):
        bench.job_service.find("me", "a")
    assert bench.store.tokens() == set()


def test_a_cancelled_job_keeps_the_step_that_it_had_reached(bench: Bench) -> None:
    def cancel_at_3(step: Any) -> None:
        if step.done == 3:
            bench.job_service.cancel("me", "a")

    bench.generator.after_step = cancel_at_3
    submission = bench.job_service.submit(bench.request("a"), caller="me")
    bench.job_service.drain()
    bench.job_service.run_once()
    with pytest.raises(JobCancelled):
        submission.wait(0)
    progress = bench.started().find("me", "a").progress
    assert progress is not None
    assert (progress.step, progress.steps) == (3, 30)


def test_a_failed_job_keeps_the_step_that_it_had_reached(bench: Bench) -> None:
    def fail_at_2(step: Any) -> None:
        if step.done == 2:
            raise RuntimeError("broken")

    bench.generator.after_step = fail_at_2
    bench.submit("a")
    bench.job_service.drain()
    bench.job_service.run_once()
    view = bench.started().find("me", "a")
    assert view.job.status is JobStatus.FAILED
    assert view.progress is not None
    assert (view.progress.step, view.progress.steps) == (2, 30)


def test_rows_of_this_release_are_read_unchanged(bench: Bench) -> None:
    bench.submit("a")
    job = bench.store.find(JobKey("me", "a"))
    assert isinstance(job, Job)
    assert job.foreign is None


@pytest.mark.parametrize(
    "changes", [{"request": {"noise": 3}}, {"request": {"output_format": "avif"}}, {"timings": 3}]
)
def test_a_foreign_job_that_enlarged_a_picture_is_shown_with_its_picture(
    changes: dict[str, Any],
) -> None:
    ref = PictureRef(id="a" * 64, media_type="image/png", size=9, width=8, height=8)
    request = UpscaleRequest(id="larger", model_id="lanczos", image=ref, scale=2.5)
    job = Job(
        caller="me",
        request=request,
        seed_drawn=False,
        token="0" * 32,
        created_at=1.0,
        status=JobStatus.SUCCEEDED,
        images=(JobImage(None, 20, 20, 99, "b" * 64),),
    )
    body = json.loads(job_to_json(job))
    body["request"] |= changes.get("request", {})
    body |= {name: value for name, value in changes.items() if name != "request"}
    found = job_from_json(json.dumps(body), 1)
    assert found.foreign is not None
    assert found.images == job.images
    assert isinstance(found.request, UpscaleRequest)
    assert (found.request.image, found.request.scale) == (ref, 2.5)
    shown = JobSchema().dump(JobView.at_rest(found))
    assert shown["request"]["image"] == {"id": ref.id}
    assert json.loads(job_to_json(found)) == body


def test_a_job_that_enlarged_an_unreadable_picture_reference_is_not_a_job() -> None:
    request = {"id": "a", "model_id": "lanczos", "image": {"id": 5}}
    text = json.dumps(
        {"request": request, "caller": "me", "token": "0", "created_at": 1, "status": "queued"}
    )
    with pytest.raises(ValueError, match="not a job"):
        job_from_json(text, 1)
