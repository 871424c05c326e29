"""A client that disconnects while it waits frees its slot; its job continues."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.http.conftest import AUTHORIZED, Service, infer_body, make_settings, running_service
from tests.http.helpers import assert_problem


@pytest.fixture
def service() -> Iterator[Service]:
    """One slot, and a device that draws when the fake's gate is opened."""
    with running_service(make_settings(max_waiting=1)) as running:
        running.generator.gate.clear()
        yield running


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The service's end of a connection, and the client's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def infer(client: FlaskClient, body: dict[str, object], ours: socket.socket) -> TestResponse:
    return client.post(
        "/v1/infer", json=body, headers=AUTHORIZED, environ_overrides={"gunicorn.socket": ours}
    )


def test_a_disconnecting_client_frees_its_slot_and_finds_its_pictures_later(
    service: Service, connection: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = connection
    body = infer_body(id="left")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(infer, service.client, body, ours)
        assert service.generator.began.wait(10)
        busy = service.container.app().test_client()
        refused = busy.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
        assert_problem(refused, 503, "too_many_callers")
        theirs.close()
        assert_problem(call.result(10), 400, "bad_request")
    assert not service.generator.gate.is_set()
    service.generator.gate.set()
    assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 200
    assert len(service.generator.drawn) == 1


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\n"])
def test_a_connected_client_gets_the_pictures(
    service: Service, connection: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    ours, theirs = connection
    theirs.sendall(sent)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(infer, service.client, infer_body(), ours)
        with pytest.raises(TimeoutError):
            call.result(1.5)  # the connection was checked once
        service.generator.gate.set()
        assert call.result(10).status_code == 200
    assert ours.gettimeout() is None


def test_a_job_that_ends_with_its_own_timeout_does_not_end_the_wait(
    service: Service, connection: tuple[socket.socket, socket.socket]
) -> None:
    service.generator.failures.append(TimeoutError("a library's"))
    service.generator.gate.set()
    assert_problem(infer(service.client, infer_body(), connection[0]), 500, "internal_error")


def test_a_wait_that_is_too_short_ends_with_the_job(
    service: Service, connection: tuple[socket.socket, socket.socket]
) -> None:
    response = service.client.post(
        "/v1/infer",
        json=infer_body(),
        headers=AUTHORIZED | {"Prefer": "wait=2"},
        environ_overrides={"gunicorn.socket": connection[0]},
    )
    assert response.status_code == 202
