"""GET /v1/jobs/{id}/events: the events of a job, as they happen."""

import base64
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from adapters.http.v1.jobs import event_stream
from domain.ports.image_generator import GenerationStep
from tests.fakes.image_generator import FakeImageGenerator
from tests.http.conftest import AUTHORIZED, Service, infer_body, make_service, make_settings
from tests.http.helpers import assert_problem, events_of

URL = "/v1/jobs/watched/events"


@pytest.fixture
def generator() -> FakeImageGenerator:
    return FakeImageGenerator()


@pytest.fixture
def service(generator: FakeImageGenerator) -> Service:
    """A waiting job, two streams at most, and a worker that draws when a test says so."""
    service = make_service(make_settings(max_streams=2), generator=generator)
    body = infer_body(id="watched", num_inference_steps=3)
    service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
    return service


def listen(service: Service, **headers: str) -> TestResponse:
    return service.client.get(URL, headers=AUTHORIZED | headers)


def texts(response: Response) -> Iterator[str]:
    return (part.decode() for part in response.iter_encoded())


def job(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get("/v1/jobs/watched", headers=AUTHORIZED).get_json()
    return found


def draw(service: Service) -> None:
    service.container.job_service().run_once()


def places_left(service: Service) -> int:
    streams: list[TestResponse] = []
    for _ in range(2):
        streams.append(listen(service))
    for stream in streams:
        stream.close()
    return [stream.status_code for stream in streams].count(200)


def test_a_stream_starts_at_once_and_is_never_cached(service: Service) -> None:
    with listen(service, **{"X-Request-ID": "mine"}) as response:
        assert response.status_code == 200
        assert response.mimetype == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["X-Request-ID"] == "mine"
        assert "Content-Length" not in response.headers
        parts = texts(response)
        assert next(parts) == "retry: 2000\n\n"
        assert events_of(next(parts)) == [("queued", job(service))]


def test_a_job_is_followed_to_its_end(service: Service, generator: FakeImageGenerator) -> None:
    with listen(service) as response:
        parts = texts(response)
        heard = [*events_of(next(parts)), *events_of(next(parts))]
        at_step: dict[int, list[tuple[str, Any]]] = {}

        def read(step: GenerationStep) -> None:
            at_step[step.done] = events_of(next(parts))

        generator.after_step = read
        draw(service)
        rest = events_of("".join(parts))
    assert [name for name, _ in heard] == ["queued"]
    for done, events in at_step.items():
        ((name, data),) = events
        assert name in ("progress", "preview")
        if name == "progress":
            assert (data["step"], data["steps"]) == (done, 3)
            assert set(data) <= {"step", "steps", "rate", "seconds_left"}
    name, data = rest.pop()
    assert name == "done"
    assert "done" not in dict(rest)
    assert (data.pop("progress")["step"], data["status"]) == (3, "succeeded")
    assert data.items() <= job(service).items()


def test_a_preview_is_a_small_picture_of_its_step(
    service: Service, generator: FakeImageGenerator
) -> None:
    with listen(service) as response:
        parts = texts(response)
        list(itertools.islice(parts, 2))
        seen: list[tuple[str, Any]] = []
        reading = iter(parts)

        def read(step: GenerationStep) -> None:
            while step.done == 1 and "preview" not in [name for name, _ in seen]:
                seen.extend(events_of(next(reading)))

        generator.after_step = read
        draw(service)
    data = dict(seen)["preview"]
    assert set(data) == {"step", "image"}
    assert data["step"] == 1
    kind, _, picture = data["image"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert base64.b64decode(picture, validate=True).startswith(b"\xff\xd8")


def test_without_listeners_no_preview_is_made(
    service: Service, generator: FakeImageGenerator
) -> None:
    listen(service).close()
    draw(service)
    assert generator.previews == 0


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_a_finished_job_is_done_at_once(
    service: Service, generator: FakeImageGenerator, end: str
) -> None:
    if end == "cancelled":
        service.client.delete("/v1/jobs/watched", headers=AUTHORIZED)
    if end == "failed":
        generator.failures.append(RuntimeError("no"))
    if end != "cancelled":
        draw(service)
    ((name, data),) = events_of(listen(service).get_data(as_text=True))
    assert (name, data) == ("done", job(service))
    assert data["status"] == end


def test_a_reconnecting_client_gets_no_event_twice(service: Service) -> None:
    with listen(service) as response:
        parts = texts(response)
        next(parts)
        first = next(parts)
    seen = first.splitlines()[0].removeprefix("id: ")
    draw(service)
    again = listen(service, **{"Last-Event-ID": seen}).get_data(as_text=True)
    assert [name for name, _ in events_of(again)] == ["done"]
    last = next(line for line in again.splitlines() if line.startswith("id: "))
    over = listen(service, **{"Last-Event-ID": last.removeprefix("id: ")})
    # A client that reconnects by itself takes this as the end.
    assert (over.status_code, over.get_data()) == (204, b"")
    endless = f"{seen.rpartition('-')[0]}-{'9' * 4400}"
    assert listen(service, **{"Last-Event-ID": endless}).status_code == 200


@pytest.mark.parametrize("sent", ["", "nonsense", "-", "9" * 3000, "a-b-c-9"])
def test_an_unknown_event_id_starts_from_the_beginning(service: Service, sent: str) -> None:
    with listen(service, **{"Last-Event-ID": sent}) as response:
        parts = texts(response)
        next(parts)
        assert events_of(next(parts)) == [("queued", job(service))]


def test_silence_is_interrupted_by_keep_alives(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.0)
    with listen(service) as response:
        parts = texts(response)
        list(itertools.islice(parts, 2))
        beats = list(itertools.islice(parts, 3))
    assert all(beat.startswith(":") and beat.endswith("\n\n") for beat in beats)


def test_a_stream_ends_when_the_service_does(service: Service) -> None:
    with listen(service) as response:
        parts = texts(response)
        list(itertools.islice(parts, 2))
        service.container.job_service().abandon()
        assert events_of("".join(parts)) == []


def test_beyond_the_stream_limit_a_listener_is_refused(service: Service) -> None:
    with listen(service), listen(service):
        response = listen(service)
        assert_problem(response, 503, "too_many_callers")
        assert int(response.headers["Retry-After"]) >= 1
        assert job(service)["status"] == "queued"
    assert places_left(service) == 2


def unread(service: Service) -> None:
    listen(service).close()


def half_read(service: Service) -> None:
    with listen(service) as response:
        next(texts(response))


def head_alone(service: Service) -> None:
    with service.client.head(URL, headers=AUTHORIZED) as response:
        assert (response.status_code, response.data) == (200, b"")


def of_no_job(service: Service) -> None:
    path = "/v1/jobs/nope/events"
    assert_problem(service.client.get(path, headers=AUTHORIZED), 404, "job_not_found")


def with_a_broken_store(service: Service) -> None:
    service.jobs.broken = True
    path = "/v1/jobs/nope/events"
    assert_problem(service.client.get(path, headers=AUTHORIZED), 503, "storage_unavailable")
    service.jobs.broken = False


@pytest.mark.parametrize("leave", [unread, half_read, head_alone, of_no_job, with_a_broken_store])
def test_a_disconnecting_listener_frees_its_slot(
    service: Service, generator: FakeImageGenerator, leave: Callable[[Service], None]
) -> None:
    for _ in range(3):
        leave(service)
    assert places_left(service) == 2
    draw(service)
    assert generator.previews == 0
