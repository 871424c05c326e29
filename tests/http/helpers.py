"""What the HTTP tests ask of an answer, and how they make credentials and a busy service."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from domain.generation import GenerationRequest, GenerationResult
from tests.http.conftest import API_KEY, MODEL, OTHER_API_KEY, SECRET_KEY, Service

__all__ = [
    "assert_problem",
    "bearer",
    "fill_queue",
    "key_name",
    "make_token",
    "occupy_device",
    "wrong_fields",
]

_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
_CHECKOUT = str(Path(__file__).parents[2])
_NEVER_SHOWN = (API_KEY, OTHER_API_KEY, SECRET_KEY, _CHECKOUT, "Traceback", 'File "', ".py")


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that `response` is the problem details of this error; its body."""
    text = response.get_data(as_text=True)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    body: dict[str, Any] = json.loads(text)
    assert set(body) == _MEMBERS | ({"errors"} if code == "invalid_request" else set())
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["type"]
    assert body["title"]
    assert body["detail"]
    assert not [secret for secret in _NEVER_SHOWN if secret in text]
    return body


def wrong_fields(response: TestResponse) -> dict[str, str]:
    """Check that `response` is a 422 with one row a field; the message of each field."""
    rows = assert_problem(response, 422, "invalid_request")["errors"]
    assert all(set(row) == {"field", "message"} for row in rows)
    messages = {row["field"]: row["message"] for row in rows}
    assert len(messages) == len(rows)
    return messages


def bearer(credential: str) -> dict[str, str]:
    """The headers that send `credential`."""
    return {"Authorization": f"Bearer {credential}"}


def make_token(
    claims: Mapping[str, Any] | None = None,
    *,
    header: Mapping[str, Any] | None = None,
    without: str | None = None,
    key: str = SECRET_KEY,
    digest: str = "sha256",
) -> str:
    """A JWT written by hand, good for a minute unless `claims`, `header` or `without` spoil it."""
    good = {"sub": "somebody", "exp": int(time.time()) + 60}
    payload = {k: v for k, v in (good | dict(claims or {})).items() if k != without}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'} | dict(header or {}))}.{_part(payload)}"
    signature = hmac.new(key.encode(), signed.encode(), digest).digest()
    return f"{signed}.{_base64(signature)}"


def key_name(key: str) -> str:
    """The caller name that belongs to an API key."""
    return f"key:{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def occupy_device(service: Service) -> "Future[GenerationResult]":
    """Let the worker begin a picture that is not done before the fake's gate is opened."""
    service.generator.gate.clear()
    request = GenerationRequest(id="running", model_id=MODEL.id, prompt="p")
    running = service.container.scheduler().submit(request, caller="somebody")
    assert service.generator.began.wait(10)
    return running


def fill_queue(service: Service) -> "list[Future[GenerationResult]]":
    """Let as many jobs wait as may."""
    scheduler = service.container.scheduler()
    waiting = []
    while not scheduler.full:
        request = GenerationRequest(id=f"waits-{scheduler.waiting}", model_id=MODEL.id, prompt="p")
        waiting.append(scheduler.submit(request, caller="somebody"))
    return waiting


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
