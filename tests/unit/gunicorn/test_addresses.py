"""How many connections of one address may wait for their client."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.gunicorn.addresses import neighbourhood
from adapters.gunicorn.connections import ConnectionsWorker
from tests.unit.gunicorn.connection_server import LAST, Server, rest

_BEGUN, _END = LAST[:20], LAST[20:]


class _PatientWorker(ConnectionsWorker):
    """No connection is too slow during a test."""

    head_seconds = 60.0
    linger_seconds = 60.0

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        raise AssertionError(f"nothing is refused here: {exc}")


@pytest.fixture
def server() -> Iterator[Server]:
    """Ten connections at once, so five of one address may wait."""
    server = Server(connections=10, worker_class=_PatientWorker)
    yield server
    server.close()


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="it has one address of its own")


@pytest.mark.parametrize("number", [5, 6, 9])
def test_an_address_may_have_half_of_all_connections_waiting(server: Server, number: int) -> None:
    with contextlib.ExitStack() as opened:
        waiting = [opened.enter_context(server.connect(_BEGUN)) for _ in range(number)]
        for closed in waiting[: number - 5]:
            assert rest(closed) == b""
        for kept in waiting[number - 5 :]:
            kept.sendall(_END)
            assert rest(kept).startswith(b"HTTP/1.1 200")


def test_a_complete_request_does_not_count(server: Server) -> None:
    with contextlib.ExitStack() as opened:
        waiting = [opened.enter_context(server.connect(_BEGUN)) for _ in range(5)]
        for _ in range(20):
            connection = opened.enter_context(server.connect(LAST))
            assert rest(connection).startswith(b"HTTP/1.1 200")
            connection.close()
        waiting[-1].sendall(_END)
        assert rest(waiting[-1]).startswith(b"HTTP/1.1 200")


@on_linux
def test_a_flood_from_one_address_closes_only_its_own_connections(server: Server) -> None:
    with contextlib.ExitStack() as opened:
        first = opened.enter_context(server.connect(_BEGUN))
        flood = [
            opened.enter_context(server.connect(_BEGUN, address="127.0.0.2")) for _ in range(30)
        ]
        assert rest(flood[0]) == b""
        first.sendall(_END)
        assert rest(first).startswith(b"HTTP/1.1 200")


@on_linux
def test_floods_from_several_addresses_spare_an_address_with_few_connections(
    server: Server,
) -> None:
    with contextlib.ExitStack() as opened:
        first = opened.enter_context(server.connect(_BEGUN))
        for number in range(30):
            address = f"127.0.0.{2 + number % 3}"
            opened.enter_context(server.connect(_BEGUN, address=address))
        first.sendall(_END)
        assert rest(first).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "client, expected",
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8:0:1::7", 1, 0, 0), "20010db800000001/64"),
        (("2001:db8:0:1:ffff::1", 1, 0, 0), "20010db800000001/64"),
        (("2001:db8:0:2::7", 1, 0, 0), "20010db800000002/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80000000000000/64"),
        ("", ""),
        (b"", ""),
        (None, ""),
        (("a name", 1), "a name"),
    ],
)
def test_the_address_that_a_connection_counts_for(client: Any, expected: str) -> None:
    assert neighbourhood(client) == expected
