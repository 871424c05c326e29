"""Progress and interruption of pictures in AUTOMATIC1111's API."""

import base64
import json
import threading
from typing import Any

import pytest

from application.job import JobStatus
from domain.generation.request import GenerationRequest
from domain.ports.image_generator import GenerationStep
from tests.fakes.image_generator import FakeImageGenerator
from tests.http.automatic1111.sdapi import basic, error_of, places_of
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    MODEL,
    OTHER_API_KEY,
    OTHERS,
    Service,
    make_service,
    make_settings,
)
from tests.http.helpers import key_name, make_token, occupy_device

PROGRESS, INTERRUPT, SKIP = (f"/sdapi/v1/{name}" for name in ("progress", "interrupt", "skip"))
NOTHING = {
    **{"progress": 0.0, "eta_relative": 0.0, "current_image": None, "textinfo": None},
    "current_task": None,
}


@pytest.fixture
def generator() -> FakeImageGenerator:
    return FakeImageGenerator()


@pytest.fixture
def service(generator: FakeImageGenerator) -> Service:
    """A service whose worker draws when a test says so."""
    return make_service(make_settings(max_queue=8), generator=generator)


def submit(service: Service, name: str, *, key: str = API_KEY) -> None:
    request = GenerationRequest(id=name, model_id=MODEL.id, prompt="p", num_inference_steps=4)
    service.container.job_service().submit(request, caller=key_name(key))


def progress(service: Service, query: str = "", **headers: str) -> dict[str, Any]:
    response = service.client.get(PROGRESS + query, headers=AUTHORIZED | headers)
    assert response.status_code == 200
    body: dict[str, Any] = response.get_json()
    assert set(body) == {*NOTHING, "state"}
    return body


def statuses(service: Service) -> dict[str, JobStatus]:
    jobs = service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["jobs"]
    return {job["id"]: job["status"] for job in jobs}


def interrupt(service: Service) -> None:
    response = service.client.post(INTERRUPT, headers=AUTHORIZED)
    assert (response.status_code, response.get_json()) == (200, {})


def test_an_idle_service_returns_zeros(service: Service) -> None:
    body = progress(service)
    assert body.items() >= NOTHING.items()
    assert (body["state"]["job_count"], body["state"]["job"]) == (0, "")


def test_jobs_of_another_api_or_caller_are_not_visible(service: Service) -> None:
    submit(service, "mine")
    submit(service, "sdapi-theirs", key=OTHER_API_KEY)
    assert progress(service)["state"]["job_count"] == 0
    theirs = service.client.get(PROGRESS, headers=OTHERS).get_json()
    assert theirs["state"]["job"] == "sdapi-theirs"


def test_a_waiting_job_is_counted_and_has_its_position(service: Service) -> None:
    submit(service, "first")
    submit(service, "sdapi-second")
    body = progress(service)
    assert (body["progress"], body["state"]["job_count"]) == (0.0, 1)
    assert (body["current_task"], body["textinfo"]) == ("sdapi-second", "number 2 in the queue")


def test_a_running_job_shows_its_steps_and_previews(
    service: Service, generator: FakeImageGenerator
) -> None:
    submit(service, "sdapi-drawn")
    submit(service, "sdapi-behind")
    seen: dict[int, dict[str, Any]] = {}

    def look(step: GenerationStep) -> None:
        seen[step.done] = progress(service)

    def begin(_requests: object) -> None:
        assert progress(service)["current_image"] is None

    generator.on_begin = begin
    generator.after_step = look
    service.container.job_service().run_once()
    assert [body["progress"] for body in seen.values()] == [0.25, 0.5, 0.75, 1.0]
    state = seen[2]["state"]
    assert (state["job"], state["job_count"]) == ("sdapi-drawn", 2)
    assert (state["sampling_step"], state["sampling_steps"]) == (2, 4)
    assert len(state["job_timestamp"]) == 14
    assert seen[3]["eta_relative"] > 0
    assert base64.b64decode(seen[2]["current_image"], validate=True).startswith(b"\xff\xd8")


def test_no_preview_is_made_if_the_client_wants_none(
    service: Service, generator: FakeImageGenerator
) -> None:
    submit(service, "sdapi-drawn")
    seen = []

    def look(_step: GenerationStep) -> None:
        seen.append(progress(service, "?skip_current_image=true")["current_image"])

    generator.after_step = look
    service.container.job_service().run_once()
    assert seen == [None] * 4
    assert generator.previews == 0


def test_an_invalid_query_is_reported(service: Service) -> None:
    response = service.client.get(f"{PROGRESS}?skip_current_image=maybe", headers=AUTHORIZED)
    assert "skip_current_image" in places_of(response)
    assert progress(service, "?skip_current_image=True&unheard_of=1")


def test_an_interrupt_ends_only_the_running_job(
    service: Service, generator: FakeImageGenerator
) -> None:
    for name in ("sdapi-drawn", "sdapi-behind", "mine"):
        submit(service, name)
    submit(service, "sdapi-theirs", key=OTHER_API_KEY)
    generator.on_begin = lambda _requests: interrupt(service)
    service.container.job_service().run_once()
    assert statuses(service) == {
        **{"sdapi-drawn": "cancelled", "sdapi-behind": "queued", "mine": "queued"},
    }
    assert service.client.get(PROGRESS, headers=OTHERS).get_json()["state"]["job_count"] == 1


def test_an_interrupt_without_a_running_job_ends_waiting_ones(service: Service) -> None:
    for name in ("sdapi-one", "sdapi-two", "mine"):
        submit(service, name)
    interrupt(service)
    assert statuses(service) == {
        **{"sdapi-one": "cancelled", "sdapi-two": "cancelled", "mine": "queued"},
    }
    interrupt(service)


def skip(service: Service) -> None:
    response = service.client.post(SKIP, headers=AUTHORIZED)
    assert (response.status_code, response.get_json()) == (200, None)


def test_a_skip_ends_the_running_job_and_no_waiting_one(
    service: Service, generator: FakeImageGenerator
) -> None:
    for name in ("sdapi-drawn", "sdapi-behind"):
        submit(service, name)
    submit(service, "sdapi-theirs", key=OTHER_API_KEY)
    skip(service)
    assert set(statuses(service).values()) == {"queued"}
    generator.on_begin = lambda _requests: skip(service)
    service.container.job_service().run_once()
    assert statuses(service) == {"sdapi-drawn": "cancelled", "sdapi-behind": "queued"}
    assert service.client.get(PROGRESS, headers=OTHERS).get_json()["state"]["job_count"] == 1


@pytest.mark.parametrize("method, url", [("GET", PROGRESS), ("POST", INTERRUPT), ("POST", SKIP)])
def test_each_route_needs_the_scope_to_draw(service: Service, method: str, url: str) -> None:
    error_of(service.client.open(url, method=method), 401)
    reader = basic(make_token({"scope": "models:read"}))
    error_of(service.client.open(url, method=method, headers=reader), 403)
    drawer = basic(make_token({"scope": "inference:run"}))
    assert service.client.open(url, method=method, headers=drawer).status_code == 200


def test_a_client_waiting_for_an_interrupted_picture_is_answered() -> None:
    service = make_service(make_settings())
    service.container.service().start()
    try:
        occupy_device(service)
        answers = []

        def wait() -> None:
            client = service.container.app().test_client()
            sent = {"prompt": "p"}
            answers.append(client.post("/sdapi/v1/txt2img", json=sent, headers=AUTHORIZED))

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not progress(service)["state"]["job_count"]:
            assert waiting.is_alive()
        interrupt(service)
        waiting.join(10)
        assert "cancelled" in json.dumps(error_of(answers[0], 409))
    finally:
        service.generator.gate.set()
        service.container.service().stop(timeout=10)
