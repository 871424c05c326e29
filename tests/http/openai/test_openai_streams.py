"""Pictures as a stream of events, as clients of that API read them."""

import base64
import io
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from adapters.http.openai import streams
from domain import errors
from domain.services.drawing_watchers import GenerationStep
from tests.fakes.image_generator import FakeImageGenerator
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    MODEL,
    OTHERS,
    Service,
    make_service,
    make_settings,
    running_service,
)

URL = "/openai/v1/images/generations"
KEY = {"Idempotency-Key": "mine"}


@pytest.fixture
def generator() -> FakeImageGenerator:
    return FakeImageGenerator()


@pytest.fixture
def resting(generator: FakeImageGenerator) -> Service:
    """A service with two streams at most, and a worker that draws when a test says so."""
    return make_service(make_settings(max_streams=2), generator=generator)


def ask(service: Service, headers: Any = AUTHORIZED, **fields: Any) -> TestResponse:
    body = {
        **{"model": MODEL.id, "prompt": "a red circle", "size": "256x320", "stream": True},
        **{"num_inference_steps": 8},
        **fields,
    }
    return service.client.post(URL, json=body, headers=headers)


def parts_of(response: Response) -> Iterator[str]:
    return (part.decode() for part in response.iter_encoded())


def events_of(text: str) -> list[dict[str, Any]]:
    """Return the data of each event, without comments. The name of an event is its `type`."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if fields:
            assert set(fields) == {"event", "data"}
            found.append(json.loads(fields["data"]))
            assert found[-1]["type"] == fields["event"]
    return found


def drawn(service: Service, response: TestResponse) -> list[dict[str, Any]]:
    """Let the worker draw, and return the events of the stream."""
    with response:
        parts = parts_of(response)
        first = next(parts)
        assert first.startswith(":")
        service.container.job_service().run_once()
        return events_of("".join(parts))


def picture_of(event: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(event["b64_json"], validate=True)))


def test_a_stream_begins_at_once_and_ends_with_the_picture(resting: Service) -> None:
    response = ask(resting, seed=7)
    assert (response.status_code, response.mimetype) == (200, "text/event-stream")
    assert response.headers["Cache-Control"] == "no-store"
    (event,) = drawn(resting, response)
    assert event.pop("created_at") > 0
    assert picture_of(event).size == (256, 320)
    del event["b64_json"]
    assert event == {
        **{"type": "image_generation.completed", "size": "256x320", "quality": "auto"},
        **{"background": "opaque", "output_format": "png", "seed": 7, "warnings": []},
        "usage": {
            **{"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        },
    }


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_partial_pictures_come_before_the_finished_one(
    resting: Service, output_format: str
) -> None:
    response = ask(resting, partial_images=3, output_format=output_format, quality="hd")
    *partials, last = drawn(resting, response)
    assert [each["partial_image_index"] for each in partials] == [0, 1, 2]
    for event in partials:
        assert event.keys() == {
            *("type", "b64_json", "created_at", "size", "quality", "background"),
            *("output_format", "partial_image_index"),
        }
        assert event["type"] == "image_generation.partial_image"
        assert (event["size"], event["quality"]) == ("256x320", "high")
        assert event["output_format"] == output_format
        assert picture_of(event).format == output_format.upper()
    assert last["type"] == "image_generation.completed"
    assert picture_of(last).format == output_format.upper()


def test_the_size_of_a_partial_picture_is_that_of_the_finished_one(resting: Service) -> None:
    events = drawn(resting, ask(resting, partial_images=1, second_pass={"scale": 2}))
    assert [event["size"] for event in events] == ["512x640", "512x640"]


@pytest.mark.parametrize("partial_images", [0, 1, 2, 3, None])
def test_the_client_chooses_the_number_of_partial_pictures(
    resting: Service, partial_images: int | None
) -> None:
    events = drawn(resting, ask(resting, partial_images=partial_images))
    assert len(events) == (partial_images or 0) + 1


def test_each_picture_is_an_event_in_the_order_of_the_seeds(resting: Service) -> None:
    events = drawn(resting, ask(resting, n=3, seed=5))
    assert [event["type"] for event in events] == ["image_generation.completed"] * 3
    assert [event["seed"] for event in events] == [5, 6, 7]


def test_a_stream_has_the_picture_even_if_links_are_the_default() -> None:
    settings = make_settings(openai_response_format="url")
    with running_service(settings) as service, ask(service) as response:
        (event,) = events_of(response.get_data(as_text=True))
    assert picture_of(event).size == (256, 320)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stream": 1}, "stream"),
        ({"stream": "true"}, "stream"),
        ({"partial_images": 4}, "partial_images"),
        ({"partial_images": -1}, "partial_images"),
        ({"partial_images": True}, "partial_images"),
        ({"partial_images": "1"}, "partial_images"),
        ({"partial_images": 1, "stream": False}, "partial_images"),
        ({"partial_images": 1, "stream": None}, "partial_images"),
        ({"response_format": "url"}, "response_format"),
        ({"prompt": ""}, "prompt"),
    ],
)
def test_an_invalid_value_is_refused_before_the_stream(
    resting: Service, fields: dict[str, object], param: str
) -> None:
    response = ask(resting, **fields)
    assert (response.status_code, response.content_type) == (400, "application/json")
    assert response.get_json()["error"]["param"] == param
    assert resting.container.job_service().waiting == 0


@pytest.mark.parametrize("fields", [{"stream": False}, {"partial_images": 0, "stream": None}])
def test_without_a_stream_the_answer_is_json(shared: Service, fields: dict[str, object]) -> None:
    response = ask(shared, **fields)
    assert (response.status_code, response.content_type) == (200, "application/json")


@pytest.mark.parametrize(
    ("failure", "code", "kind"),
    [
        (errors.OutOfMemory("too large"), "out_of_memory", "server_error"),
        (errors.ModelNotLoadable("cut off"), "model_not_loadable", "invalid_request_error"),
        (RuntimeError("secret"), "internal_error", "server_error"),
    ],
)
def test_a_failure_is_the_last_event(
    resting: Service, failure: Exception, code: str, kind: str
) -> None:
    resting.generator.failures.append(failure)
    (event,) = drawn(resting, ask(resting))
    assert event["type"] == "error"
    assert event["error"].keys() == {"message", "type", "param", "code"}
    assert (event["error"]["code"], event["error"]["type"]) == (code, kind)
    assert "secret" not in event["error"]["message"]


def test_no_error_in_a_stream_repeats_a_credential(resting: Service) -> None:
    resting.generator.failures.append(errors.GenerationFailed(f"the file {API_KEY} is cut off"))
    (event,) = drawn(resting, ask(resting))
    assert API_KEY not in json.dumps(event)
    assert "is cut off" in event["error"]["message"]


def test_a_cancelled_job_ends_the_stream_with_an_error(resting: Service) -> None:
    with ask(resting, headers=AUTHORIZED | KEY) as response:
        resting.client.delete("/v1/jobs/openai-mine", headers=AUTHORIZED)
        (event,) = events_of(response.get_data(as_text=True))
    assert (event["type"], event["error"]["code"]) == ("error", "cancelled")


def test_a_service_that_stops_ends_the_stream_with_an_error(resting: Service) -> None:
    with ask(resting) as response:
        parts = parts_of(response)
        next(parts)
        resting.container.job_service().abandon()
        (event,) = events_of("".join(parts))
    assert event["error"]["code"] == "shutting_down"


def test_streams_with_one_key_share_the_job_and_its_result(resting: Service) -> None:
    headers = AUTHORIZED | KEY
    with ask(resting, headers, partial_images=1) as one, ask(resting, headers) as other:
        resting.container.job_service().run_once()
        partial, first = events_of(one.get_data(as_text=True))
        (second,) = events_of(other.get_data(as_text=True))
    (again,) = events_of(ask(resting, headers, partial_images=2).get_data(as_text=True))
    assert partial["type"] == "image_generation.partial_image"
    assert first["b64_json"] == second["b64_json"] == again["b64_json"]
    assert len(resting.generator.drawn) == 1
    conflict = ask(resting, headers, prompt="another")
    assert (conflict.status_code, conflict.get_json()["error"]["code"]) == (400, "id_conflict")


def test_silence_is_interrupted_by_comments(
    resting: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.0)
    with ask(resting) as response:
        beats = list(itertools.islice(parts_of(response), 5))
    assert all(beat.startswith(":") and beat.endswith("\n\n") for beat in beats)


def unread(service: Service) -> None:
    ask(service).close()


def half_read(service: Service) -> None:
    with ask(service, partial_images=3) as response:
        next(parts_of(response))


def refused(service: Service) -> None:
    assert ask(service, model="gone").status_code == 404


def with_a_broken_store(service: Service) -> None:
    service.jobs.broken = True
    assert ask(service).status_code == 503
    service.jobs.broken = False


@pytest.mark.parametrize("leave", [unread, half_read, refused, with_a_broken_store])
def test_a_client_that_leaves_frees_its_place(
    generator: FakeImageGenerator, leave: Callable[[Service], None]
) -> None:
    service = make_service(make_settings(max_streams=2, max_queue=100), generator=generator)
    for _ in range(4):
        leave(service)
    with ask(service), ask(service, OTHERS):
        pass
    while service.container.job_service().waiting:
        service.container.job_service().run_once()
    assert generator.previews == 0


def test_a_job_continues_after_its_client_has_left(resting: Service) -> None:
    ask(resting, headers=AUTHORIZED | KEY).close()
    resting.container.job_service().run_once()
    job = resting.client.get("/v1/jobs/openai-mine", headers=AUTHORIZED).get_json()
    assert job["status"] == "succeeded"


def test_beyond_the_limit_of_streams_nothing_is_accepted(resting: Service) -> None:
    with ask(resting), ask(resting, OTHERS):
        response = ask(resting)
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (429, "too_many_callers")
        assert int(response.headers["Retry-After"]) >= 1
        assert resting.container.job_service().waiting == 2
        # Streams of the service's own API have the same limit.
        events = resting.client.get("/v1/jobs/openai-x/events", headers=AUTHORIZED)
        assert events.status_code == 503


def test_a_full_queue_is_refused_before_the_stream(resting: Service) -> None:
    with ask(resting), ask(resting, OTHERS):
        pass
    response = ask(resting)
    assert (response.status_code, response.get_json()["error"]["code"]) == (429, "queue_full")


def test_a_partial_picture_shows_the_work_so_far(
    resting: Service, generator: FakeImageGenerator
) -> None:
    with ask(resting, partial_images=1) as response:
        parts = parts_of(response)
        next(parts)
        seen: list[int] = []

        def read(step: GenerationStep) -> None:
            while step.done == 4 and not seen:
                seen.extend(step.done for _ in events_of(next(parts)))

        generator.after_step = read
        resting.container.job_service().run_once()
    assert seen == [4]
