"""Jobs: submitted, read, cancelled, and visible to their caller only."""

import re
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from domain.errors import OutOfMemory
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    OTHERS,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, bearer, fill_queue, make_token, wrong_fields

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ")
FIELDS = {
    "id",
    "status",
    "position",
    "progress",
    "created_at",
    "started_at",
    "finished_at",
    "request",
    "images",
    "error",
    "processing_time",
    "timings",
    "warnings",
}
NAMES = [
    "x",
    "two words",
    " blanks around ",
    "100%",
    "%41",
    "what?",
    "a#b",
    "a+b",
    "a;b=c&d",
    "..a",
    "...",
    "a:b@c",
    '"quoted"\\',
    "tab\tand\nnewline",
    "ünïcode",
    "😀",
    "😀" * 128,
    "x" * 128,
    "images",
    "events",
]


@pytest.fixture
def service() -> Service:
    """A service whose worker draws when a test says so."""
    return make_service(make_settings(max_queue=3))


def submit(
    service: Service, headers: dict[str, str] = AUTHORIZED, **changes: object
) -> TestResponse:
    return service.client.post("/v1/jobs", json=infer_body(**changes), headers=headers)


def job(service: Service, name: str) -> dict[str, object]:
    response = service.client.get(f"/v1/jobs/{quote(name, safe='')}", headers=AUTHORIZED)
    assert (response.status_code, response.content_type) == (200, "application/json")
    found: dict[str, object] = response.get_json()
    assert set(found) == FIELDS
    return found


def test_a_waiting_job(service: Service) -> None:
    submit(service, id="first")
    response = submit(service, id="second", seed=5, negative_prompt="blur", width=264)
    assert (response.status_code, response.headers["Location"]) == (202, "/v1/jobs/second")
    found = job(service, "second")
    assert found == response.get_json()
    assert TIME.fullmatch(str(found.pop("created_at")))
    assert found == {
        "id": "second",
        "status": "queued",
        "position": 2,
        "progress": {"step": 0, "steps": 30},
        "started_at": None,
        "finished_at": None,
        "request": {
            "id": "second",
            "model_id": MODEL.id,
            "prompt": "a red circle",
            "negative_prompt": "blur",
            "num_inference_steps": 30,
            "guidance_scale": 7.5,
            "width": 264,
            "height": 512,
            "seed": 5,
            "num_images": 1,
            "scheduler": None,
            "output_format": "png",
            "quality": None,
        },
        "images": None,
        "error": None,
        "processing_time": None,
        "timings": None,
        "warnings": [],
    }


def test_a_running_job(service: Service) -> None:
    submit(service, id="a", num_inference_steps=4)
    seen: list[dict[str, object]] = []
    service.generator.on_begin = lambda _requests: seen.append(job(service, "a"))
    service.container.job_service().run_once()
    (running,) = seen
    assert (running["status"], running["position"]) == ("running", None)
    assert running["progress"] == {"step": 0, "steps": 4}
    assert TIME.fullmatch(str(running["started_at"]))
    assert running["finished_at"] is None


def test_a_succeeded_job(service: Service) -> None:
    submit(service, id="a b", seed=5, num_images=2, width=256)
    service.generator.warnings = ("the prompt is long",)
    service.container.job_service().run_once()
    found = job(service, "a b")
    assert (found["status"], found["position"], found["error"]) == ("succeeded", None, None)
    assert found["progress"] == {"step": 30, "steps": 30}
    images = found["images"]
    assert isinstance(images, list)
    thumbnails = [image.pop("thumbnail_url") for image in images]
    assert len({image.pop("id") for image in images}) == 2
    assert images == [
        {
            "url": f"/v1/jobs/a%20b/images/{number}",
            "seed": 5 + number,
            "width": 256,
            "height": 512,
            "media_type": "image/png",
        }
        for number in (0, 1)
    ]
    for number, url in enumerate(thumbnails):
        assert url.startswith(f"/v1/jobs/a%20b/images/{number}?size=thumbnail&v=")
    assert all(TIME.fullmatch(str(found[name])) for name in ("started_at", "finished_at"))
    assert isinstance(found["processing_time"], float)
    timings = found["timings"]
    assert isinstance(timings, dict)
    assert set(timings) == {"queue", "load", "generate", "encode"}
    assert found["warnings"] == ["the prompt is long"]


@pytest.mark.parametrize(
    "failure, status, code",
    [
        (OutOfMemory("drawing", "cpu"), 507, "out_of_memory"),
        (RuntimeError("psst /root/secret"), 500, "internal_error"),
    ],
)
def test_a_failed_job_has_its_reason(
    service: Service, failure: Exception, status: int, code: str
) -> None:
    submit(service, id="a")
    service.generator.failures.append(failure)
    service.container.job_service().run_once()
    found = job(service, "a")
    assert (found["status"], found["images"]) == ("failed", None)
    error = found["error"]
    assert isinstance(error, dict)
    assert set(error) == {"type", "title", "status", "detail", "code", "request_id"}
    assert (error["status"], error["code"], error["request_id"]) == (status, code, None)
    assert error["type"] == f"urn:ai-inference:problem:{code}"
    assert error["title"]
    assert "psst" not in error["detail"]


@pytest.mark.parametrize("name", NAMES)
def test_any_id_can_be_used_in_a_url(service: Service, name: str) -> None:
    response = submit(service, id=name)
    location = response.headers["Location"]
    assert location == f"/v1/jobs/{quote(name, safe='')}"
    assert service.client.get(location, headers=AUTHORIZED).get_json()["id"] == name
    service.container.job_service().run_once()
    (image,) = service.client.get(location, headers=AUTHORIZED).get_json()["images"]
    picture = service.client.get(image["url"], headers=AUTHORIZED)
    assert (picture.status_code, picture.content_type) == (200, "image/png")
    events = service.client.get(f"{location}/events", headers=AUTHORIZED)
    assert "event: done" in events.get_data(as_text=True)
    assert service.client.delete(location, headers=AUTHORIZED).status_code == 200


@pytest.mark.parametrize("name", ["nope", "%00", "%1b", "%7F", "%C2%85", "x" * 129, "%ff", "%2E"])
@pytest.mark.parametrize("rest", ["", "/images/0", "/events"])
def test_an_unknown_or_impossible_id_is_not_found(service: Service, name: str, rest: str) -> None:
    response = service.client.get(f"/v1/jobs/{name}{rest}", headers=AUTHORIZED)
    assert len(assert_problem(response, 404, "job_not_found")["detail"]) < 300
    if not rest:
        response = service.client.delete(f"/v1/jobs/{name}", headers=AUTHORIZED)
        assert_problem(response, 404, "job_not_found")


def test_a_job_is_visible_to_its_caller_only(service: Service) -> None:
    submit(service, id="mine")
    service.container.job_service().run_once()
    for path in ("mine", "mine/images/0", "mine/events"):
        for headers in (OTHERS, bearer(make_token())):
            response = service.client.get(f"/v1/jobs/{path}", headers=headers)
            assert_problem(response, 404, "job_not_found")
    assert_problem(service.client.delete("/v1/jobs/mine", headers=OTHERS), 404, "job_not_found")
    assert service.client.get("/v1/jobs", headers=OTHERS).get_json()["jobs"] == []
    assert job(service, "mine")["status"] == "succeeded"


def test_a_waiting_job_is_cancelled_at_once_and_never_drawn(service: Service) -> None:
    submit(service, id="gone")
    response = service.client.delete("/v1/jobs/gone", headers=AUTHORIZED)
    assert (response.status_code, response.get_json()["status"]) == (200, "cancelled")
    assert job(service, "gone") == response.get_json()
    submit(service, id="kept")
    service.container.job_service().run_once()
    assert [request.id for request in service.generator.drawn] == ["kept"]


def test_a_running_job_is_cancelled_before_its_next_step(service: Service) -> None:
    submit(service, id="gone")
    answers: list[TestResponse] = []

    def cancel(_requests: object) -> None:
        answers.append(service.client.delete("/v1/jobs/gone", headers=AUTHORIZED))

    service.generator.on_begin = cancel
    service.container.job_service().run_once()
    (answer,) = answers
    assert (answer.status_code, answer.get_json()["status"]) == (202, "running")
    found = job(service, "gone")
    assert (found["status"], found["images"], found["error"]) == ("cancelled", None, None)
    assert service.generator.drawn == []


def test_a_finished_job_is_unchanged_by_a_cancel(service: Service) -> None:
    submit(service, id="a")
    service.container.job_service().run_once()
    before = job(service, "a")
    response = service.client.delete("/v1/jobs/a", headers=AUTHORIZED)
    assert (response.status_code, response.get_json()) == (200, before)


def test_a_job_is_validated_like_an_inference(service: Service) -> None:
    assert set(wrong_fields(submit(service, width=1, seed="x"))) == {"width", "seed"}
    assert_problem(submit(service, model_id="0" * 64), 404, "model_not_found")
    response = service.client.post("/v1/jobs", data=b"{", headers=AUTHORIZED)
    assert_problem(response, 415, "unsupported_media_type")
    fill_queue(service)
    response = submit(service)
    assert_problem(response, 503, "queue_full")
    assert int(response.headers["Retry-After"]) >= 1


def test_settings_provide_the_defaults_of_a_job_too() -> None:
    settings = make_settings(default_inference_steps=12, default_guidance_scale=3.5)
    request = submit(make_service(settings)).get_json()["request"]
    assert (request["num_inference_steps"], request["guidance_scale"]) == (12, 3.5)


def test_a_broken_store_is_reported_before_drawing(service: Service) -> None:
    service.jobs.broken = True
    assert_problem(submit(service), 503, "storage_unavailable")
    assert_problem(service.client.get("/v1/jobs", headers=AUTHORIZED), 503, "storage_unavailable")
    assert service.container.job_service().waiting == 0
