"""The worker's connections: which ones occupy a thread, and which are closed."""

import contextlib
import errno
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.gunicorn import slow_clients
from adapters.gunicorn.slow_clients import head_is_ready
from adapters.gunicorn.worker import service_worker
from tests.unit.gunicorn.connection_server import FILE, LAST, LONG, REQUEST, Server, rest
from tests.unit.lifecycle.service_bench import Bench


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_requests_are_answered_one_after_another_and_pipelined(server: Server) -> None:
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(REQUEST)
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                answer += connection.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(REQUEST + REQUEST + LAST)
        assert rest(connection).count(b"HTTP/1.1 200") == 3


def test_a_unix_socket_is_served_too(tmp_path: Path) -> None:
    kind = service_worker(Bench().service, grace_seconds=0)
    server = Server(worker_class=kind, path=tmp_path / "socket")
    try:
        assert server.ask().startswith(b"HTTP/1.1 200")
    finally:
        server.close()


def test_a_head_that_arrives_byte_by_byte_is_answered(server: Server) -> None:
    with server.connect() as connection:
        for number in range(len(LAST)):
            connection.sendall(LAST[number : number + 1])
        assert rest(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "begun",
    [b"", b"G", b"GET /v1/models HTTP/1.1\r\nX: ", b"POST /v1/body HTTP/1.1\r\nHost: x\r\n"],
)
def test_connections_without_a_head_hold_no_thread(server: Server, begun: bytes) -> None:
    with contextlib.ExitStack() as opened:
        slow = [opened.enter_context(server.connect(begun)) for _ in range(20)]
        assert server.ask().startswith(b"HTTP/1.1 200")
        for each in slow:
            answer = rest(each)
            assert answer.startswith(b"HTTP/1.1 408") if begun else answer == b""
    assert server.ask().startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("lines", [b"\r\n", b"\r\n\r\n", b"\r\n" * 9])
def test_empty_lines_before_a_request_are_ignored(server: Server, lines: bytes) -> None:
    assert server.ask(lines + LAST).startswith(b"HTTP/1.1 200")
    assert rest_after(server, REQUEST + lines + REQUEST + lines + LAST).count(b"HTTP/1.1 200") == 3


def rest_after(server: Server, data: bytes) -> bytes:
    """The answers to bytes that arrive one by one."""
    with server.connect() as connection:
        for number in range(len(data)):
            connection.sendall(data[number : number + 1])
        return rest(connection)


@pytest.mark.parametrize("stray", [b"\r", b"\r\n", b"\r\n\r\n\r"])
def test_empty_lines_after_a_request_are_not_a_slow_request(server: Server, stray: bytes) -> None:
    with server.connect(REQUEST + stray) as connection:
        answers = rest(connection)  # until the connection has been idle for too long
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"408" not in answers


@pytest.mark.parametrize("size, status", [(60_000, b"200"), (70_000, b"431")])
def test_a_head_is_limited(server: Server, size: int, status: bytes) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 990) for n in range(size // 1000))
    head = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + b"\r\n"
    assert server.ask(head).startswith(b"HTTP/1.1 " + status)


def test_health_and_public_pages_are_answered_while_every_other_thread_is_busy(
    server: Server,
) -> None:
    server.gate.clear()
    with contextlib.ExitStack() as opened:
        slow = b"GET /v1/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        taken = [opened.enter_context(server.connect(slow)) for _ in range(4)]
        for _ in range(2):
            assert server.entered.acquire(timeout=LONG)
        for path in (
            b"/health",
            b"/health/ready",
            b"/v1/health",
            b"/",
            b"/docs",
            b"http://x/%68ealth?a",
        ):
            answer = server.ask(LAST.replace(b"/v1/models", path))
            assert answer.startswith(b"HTTP/1.1 200")
        server.gate.set()
        for each in taken:
            assert rest(each).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("query", [b"", b"?copied"])
def test_a_file_arrives_complete(server: Server, query: bytes) -> None:
    answer = server.ask(LAST.replace(b"/v1/models", b"/v1/file" + query))
    assert answer.partition(b"\r\n\r\n")[2] == FILE


@pytest.mark.parametrize("query", [b"", b"?copied"])
def test_a_client_that_does_not_read_a_file_holds_no_thread(
    monkeypatch: pytest.MonkeyPatch, server: Server, query: bytes
) -> None:
    monkeypatch.setattr(slow_clients, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(slow_clients, "BYTES_PER_SECOND", 10**9)
    # Accepted sockets inherit the timeouts of the listening one.
    option = struct.pack("ll", 0, 100_000)
    server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, option)
    asked = REQUEST.replace(b"/v1/models", b"/v1/file" + query)
    with contextlib.ExitStack() as opened:
        for _ in range(4):
            opened.enter_context(server.connect(asked))
        assert server.ask().startswith(b"HTTP/1.1 200")


def test_beyond_the_last_connection_the_longest_waiting_one_is_closed() -> None:
    server = Server(connections=10)
    try:
        with contextlib.ExitStack() as opened:
            slow = [opened.enter_context(server.connect(b"GET")) for _ in range(40)]
            assert server.ask().startswith(b"HTTP/1.1 200")
            assert rest(slow[0]) == b""
    finally:
        server.close()


def test_a_connection_may_send_at_the_moment_when_it_is_closed_for_another() -> None:
    server = Server(connections=2)
    try:
        with server.connect(b"G") as waiting:
            server.until(lambda: server.worker._receiving)
            with server.paused():
                newcomer = server.connect(b"G")
                waiting.sendall(REQUEST)
            assert rest(waiting) == b""
            newcomer.close()
        assert server.ask().startswith(b"HTTP/1.1 200")
    finally:
        server.close()


def test_an_answered_client_may_leave_at_the_moment_when_it_is_closed_for_another() -> None:
    server = Server(connections=2)
    try:
        with server.connect(LAST) as answered:
            server.until(lambda: server.worker._closing)
            with server.paused():
                newcomer = server.connect(LAST)
                answered.close()
            assert rest(newcomer).startswith(b"HTTP/1.1 200")
            newcomer.close()
        assert server.ask().startswith(b"HTTP/1.1 200")
    finally:
        server.close()


def test_an_unread_body_holds_no_thread_for_long(server: Server) -> None:
    head = b"POST /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
    with contextlib.ExitStack() as opened:
        slow = [opened.enter_context(server.connect(head)) for _ in range(8)]
        assert server.ask().startswith(b"HTTP/1.1 200")
        for each in slow:
            assert rest(each).startswith(b"HTTP/1.1 200")


def test_without_file_descriptors_it_pauses_and_continues(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    class Listener:
        def accept(self) -> None:
            raise OSError(errno.EMFILE, "too many open files")

    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    server.worker.log.error_log.addHandler(handler)
    done = threading.Event()
    server.worker.method_queue.defer(server.worker.accept, Listener())
    server.worker.method_queue.defer(done.set)
    assert done.wait(LONG)
    assert server.ask().startswith(b"HTTP/1.1 200")
    assert any("file descriptor" in each for each in records)


@pytest.mark.parametrize(
    "received, ready",
    [
        (b"", False),
        (b"GET / HTTP/1.1", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\n\r\nbody", True),
        (b"no http at all\r\n", True),
        (b"\x16\x03\x01\x02\x00\n", True),
        (b"GET /" + b"a" * 4000, False),
        (b"GET /" + b"a" * 5000, True),
    ],
)
def test_when_a_head_is_ready_for_the_parser(received: bytes, ready: bool) -> None:
    assert head_is_ready(received) is ready
