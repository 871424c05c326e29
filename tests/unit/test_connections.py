"""The worker's connections: which cost a thread, and which are closed."""

import contextlib
import errno
import logging
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from adapters.gunicorn.connections import ConnectionsWorker
from adapters.gunicorn.slow_clients import HeadTooLarge, head_is_ready
from adapters.gunicorn.worker import service_worker
from tests.unit.service_bench import Bench

_LONG = 30.0
_REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
_LAST = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class _Worker(ConnectionsWorker):
    head_seconds = 0.5
    linger_seconds = 0.5

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        status = b"431" if isinstance(exc, HeadTooLarge) else b"408"
        client.sendall(b"HTTP/1.1 " + status + b" No\r\nConnection: close\r\n\r\n")


class Server:
    """A worker that serves in a thread of the test, with few threads of its own."""

    def __init__(
        self,
        *,
        connections: int = 50,
        worker_class: type[ConnectionsWorker] = _Worker,
        path: Path | None = None,
    ) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        else:
            self.listener = socket.create_server(str(path), family=socket.AF_UNIX)
        config = Config()
        config.set("threads", 2)
        config.set("worker_connections", connections)
        config.set("keepalive", 1)
        worker = worker_class(0, os.getppid(), [self.listener], None, 30, config, Logger(config))
        worker.prepare_connections()
        worker.tpool = ThreadPoolExecutor(2)
        worker.poller = selectors.DefaultSelector()
        worker.method_queue.init()
        worker.wsgi = self._app
        self.worker = worker
        self._thread = threading.Thread(target=worker.run)
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        ConnectionsWorker.handle_exit(self.worker, 15, None)
        self._thread.join(_LONG)
        assert not self._thread.is_alive()
        self.worker.close_connections()
        self.worker.tmp.close()

    def connect(self, data: bytes = b"") -> socket.socket:
        connection = socket.socket(self.listener.family)
        connection.settimeout(_LONG)
        connection.connect(self.listener.getsockname())
        connection.sendall(data)
        return connection

    def until(self, is_so: Callable[[], Any]) -> None:
        """Return once the main thread has come to where `is_so`."""
        found = threading.Event()

        def look() -> None:
            if is_so():
                found.set()
            else:
                self.worker.method_queue.defer(look)

        self.worker.method_queue.defer(look)
        assert found.wait(_LONG)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The main thread waits, so that all that happens meanwhile comes to it at once."""
        waits, resume = threading.Event(), threading.Event()

        def wait() -> None:
            waits.set()
            resume.wait(_LONG)

        self.worker.method_queue.defer(wait)
        assert waits.wait(_LONG)
        yield
        resume.set()

    def ask(self, data: bytes = _LAST) -> bytes:
        """The whole answer to a request that closes its connection."""
        with self.connect(data) as connection:
            return _rest(connection)

    def _app(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/v1/slow":
            self.entered.release()
            self.gate.wait(_LONG)
        if path == "/v1/body":
            with contextlib.suppress(OSError):
                environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]


def _rest(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return found


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_requests_are_answered_one_after_another_and_pipelined(server: Server) -> None:
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(_REQUEST)
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                answer += connection.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(_REQUEST + _REQUEST + _LAST)
        assert _rest(connection).count(b"HTTP/1.1 200") == 3


def test_a_unix_socket_is_served_too(tmp_path: Path) -> None:
    kind = service_worker(Bench().service, grace_seconds=0)
    server = Server(worker_class=kind, path=tmp_path / "socket")
    try:
        assert server.ask().startswith(b"HTTP/1.1 200")
    finally:
        server.close()


def test_a_head_that_comes_byte_by_byte_is_answered(server: Server) -> None:
    with server.connect() as connection:
        for number in range(len(_LAST)):
            connection.sendall(_LAST[number : number + 1])
        assert _rest(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "begun",
    [b"", b"G", b"GET /v1/models HTTP/1.1\r\nX: ", b"POST /v1/body HTTP/1.1\r\nHost: x\r\n"],
)
def test_connections_without_a_head_hold_no_thread(server: Server, begun: bytes) -> None:
    with contextlib.ExitStack() as opened:
        slow = [opened.enter_context(server.connect(begun)) for _ in range(20)]
        assert server.ask().startswith(b"HTTP/1.1 200")
        for each in slow:
            answer = _rest(each)
            assert answer.startswith(b"HTTP/1.1 408") if begun else answer == b""
    assert server.ask().startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size, status", [(60_000, b"200"), (70_000, b"431")])
def test_a_head_is_bounded(server: Server, size: int, status: bytes) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 990) for n in range(size // 1000))
    head = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + b"\r\n"
    assert server.ask(head).startswith(b"HTTP/1.1 " + status)


def test_health_and_public_pages_are_answered_when_every_other_thread_is_taken(
    server: Server,
) -> None:
    server.gate.clear()
    with contextlib.ExitStack() as opened:
        slow = b"GET /v1/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        taken = [opened.enter_context(server.connect(slow)) for _ in range(4)]
        for _ in range(2):
            assert server.entered.acquire(timeout=_LONG)
        for path in (b"/health", b"/health/ready", b"/v1/health", b"/", b"/docs"):
            answer = server.ask(_LAST.replace(b"/v1/models", path))
            assert answer.startswith(b"HTTP/1.1 200")
        server.gate.set()
        for each in taken:
            assert _rest(each).startswith(b"HTTP/1.1 200")


def test_past_the_last_connection_the_longest_waiting_one_is_closed() -> None:
    server = Server(connections=10)
    try:
        with contextlib.ExitStack() as opened:
            slow = [opened.enter_context(server.connect(b"GET")) for _ in range(40)]
            assert server.ask().startswith(b"HTTP/1.1 200")
            assert _rest(slow[0]) == b""
    finally:
        server.close()


def test_a_connection_may_send_at_the_moment_in_which_it_is_closed_for_another() -> None:
    server = Server(connections=2)
    try:
        with server.connect(b"G") as waiting:
            server.until(lambda: server.worker._receiving)
            with server.paused():
                newcomer = server.connect(b"G")
                waiting.sendall(_REQUEST)
            assert _rest(waiting) == b""
            newcomer.close()
        assert server.ask().startswith(b"HTTP/1.1 200")
    finally:
        server.close()


def test_an_answered_client_may_leave_at_the_moment_in_which_it_is_closed_for_another() -> None:
    server = Server(connections=2)
    try:
        with server.connect(_LAST) as answered:
            server.until(lambda: server.worker._closing)
            with server.paused():
                newcomer = server.connect(_LAST)
                answered.close()
            assert _rest(newcomer).startswith(b"HTTP/1.1 200")
            newcomer.close()
        assert server.ask().startswith(b"HTTP/1.1 200")
    finally:
        server.close()


def test_a_body_that_nobody_reads_holds_no_thread_for_long(server: Server) -> None:
    head = b"POST /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
    with contextlib.ExitStack() as opened:
        slow = [opened.enter_context(server.connect(head)) for _ in range(8)]
        assert server.ask().startswith(b"HTTP/1.1 200")
        for each in slow:
            assert _rest(each).startswith(b"HTTP/1.1 200")


def test_without_file_descriptors_it_pauses_and_goes_on(
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
    assert done.wait(_LONG)
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
        (b"\r\nGET / HTTP/1.1\r\n", False),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\n\r\nbody", True),
        (b"no http at all\r\n", True),
        (b"\x16\x03\x01\x02\x00\n", True),
        (b"GET /" + b"a" * 4000, False),
        (b"GET /" + b"a" * 5000, True),
    ],
)
def test_when_a_head_is_ready_for_the_parser(received: bytes, ready: bool) -> None:
    assert head_is_ready(received) is ready
