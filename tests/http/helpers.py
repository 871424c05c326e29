"""Checks of answers, and helpers that make credentials and a busy service."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from application.jobs.live_job import Submission
from application.lifecycle.service import Readiness
from domain.generation.any_request import AnyResult
from domain.generation.request import GenerationRequest
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.stores import FakeJobStore
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    MODEL,
    OTHER_API_KEY,
    SECRET_KEY,
    Service,
    documented_app,
    infer_body,
    make_service,
    make_settings,
)

__all__ = [
    "STATES_AT_REST",
    "assert_problem",
    "bearer",
    "between_submit_and_wait",
    "break_store",
    "events_of",
    "fill_queue",
    "in_state",
    "key_name",
    "make_token",
    "occupy_device",
    "wrong_fields",
]

_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
_WITH_ROWS = ("invalid_request", "addon_mismatch")
_CHECKOUT = str(Path(__file__).parents[2])
_NEVER_SHOWN = (API_KEY, OTHER_API_KEY, SECRET_KEY, _CHECKOUT, "Traceback", 'File "', ".py")


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that `response` is the problem details of this error; return its body."""
    text = response.get_data(as_text=True)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    body: dict[str, Any] = json.loads(text)
    assert set(body) == _MEMBERS | ({"errors"} if code in _WITH_ROWS else set())
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["type"]
    assert body["title"]
    assert body["detail"]
    assert not [secret for secret in _NEVER_SHOWN if secret in text]
    return body


def wrong_fields(response: TestResponse) -> dict[str, str]:
    """Check that `response` is a 422 with one row per field; return the message of each field."""
    rows = assert_problem(response, 422, "invalid_request")["errors"]
    assert all(set(row) == {"field", "message"} for row in rows)
    messages = {row["field"]: row["message"] for row in rows}
    assert len(messages) == len(rows)
    return messages


def bearer(credential: str) -> dict[str, str]:
    """Return the headers that send `credential`."""
    return {"Authorization": f"Bearer {credential}"}


def make_token(
    claims: Mapping[str, Any] | None = None,
    *,
    header: Mapping[str, Any] | None = None,
    without: str | None = None,
    key: str = SECRET_KEY,
    digest: str = "sha256",
) -> str:
    """Return a hand-written JWT, valid for a minute unless the arguments spoil it."""
    good = {"sub": "somebody", "exp": int(time.time()) + 60}
    payload = {k: v for k, v in (good | dict(claims or {})).items() if k != without}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'} | dict(header or {}))}.{_part(payload)}"
    signature = hmac.new(key.encode(), signed.encode(), digest).digest()
    return f"{signed}.{_base64(signature)}"


def key_name(key: str) -> str:
    """Return the caller name that belongs to an API key."""
    return f"key:{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def occupy_device(service: Service) -> Submission:
    """Let the worker start a picture that does not finish before the fake's gate is opened."""
    service.generator.gate.clear()
    request = GenerationRequest(id="running", model_id=MODEL.id, prompt="p")
    running = service.container.job_service().submit(request, caller="somebody")
    assert service.generator.began.wait(10)
    return running


def fill_queue(service: Service) -> list[Submission]:
    """Fill the queue."""
    job_service = service.container.job_service()
    waiting = []
    while not job_service.full:
        request = GenerationRequest(
            id=f"waits-{job_service.waiting}", model_id=MODEL.id, prompt="p"
        )
        waiting.append(job_service.submit(request, caller="somebody"))
    return waiting


_OF_THREADS = (Readiness.IN_USE, Readiness.WARMING_UP, Readiness.STANDS_STILL)
STATES_AT_REST = tuple(each for each in Readiness if each not in _OF_THREADS)
"""States of a service before it is started."""


def in_state(readiness: Readiness) -> Service:
    """Return a service in this state, one of STATES_AT_REST; nothing is started."""
    generator = FakeImageGenerator(prepared=readiness is not Readiness.SEEKING_DEVICE)
    scanned = readiness is not Readiness.SCANNING
    service = make_service(make_settings(), generator=generator, scanned=scanned)
    if readiness is Readiness.NO_MODEL:
        service.source.files.clear()
        service.container.model_registry().refresh()
    if readiness is Readiness.QUEUE_FULL:
        fill_queue(service)
    if readiness is Readiness.DRAINING:
        service.container.job_service().drain()
    if readiness is Readiness.STORAGE:
        break_store(service)
    return service


def break_store(service: Service) -> FakeJobStore:
    """Make storing a job fail, once it is tried; return the store."""
    store = service.container.job_store()
    assert isinstance(store, FakeJobStore)
    store.broken = True
    response = service.client.post("/v1/jobs", json=infer_body(), headers=AUTHORIZED)
    assert_problem(response, 503, "storage_unavailable")
    return store


def between_submit_and_wait(
    service: Service, meanwhile: Callable[[], object]
) -> tuple[FlaskClient, list[float | None]]:
    """Return a client of `service` whose calls run `meanwhile` instead of waiting, and how long
    each call was prepared to wait.
    """
    waits: list[float | None] = []

    def wait(submission: Submission, seconds: float | None) -> AnyResult:
        waits.append(seconds)
        meanwhile()
        return submission.wait(0)

    service.container.app.add_kwargs(wait=wait)
    service.container.app.reset()
    return documented_app(service.container).test_client(), waits


def events_of(text: str) -> list[tuple[str, Any]]:
    """Return the name and the data of each event of a stream, without comments."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            assert set(fields) == {"id", "event", "data"}
            assert fields["id"]
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
