"""A worker's connections, served in a thread of the test."""

import contextlib
import io
import os
import selectors
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

from adapters.gunicorn.connections import ConnectionsWorker
from adapters.gunicorn.slow_clients import HeadTooLarge

__all__ = ["FILE", "LAST", "LONG", "REQUEST", "Server", "rest"]

LONG = 30.0
REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
FILE = b"0123456789abcdef" * 1_000_000
LAST = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


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
        self._thread.join(LONG)
        assert not self._thread.is_alive()
        for pool in (self.worker._health_threads, self.worker._public_threads):
            pool.shutdown(wait=False)
        for sock in list(self.worker._closing):
            sock.close()
        self.worker.tmp.close()

    def connect(self, data: bytes = b"", *, address: str | None = None) -> socket.socket:
        """Return a connection, from another address of this machine if one is given."""
        connection = socket.socket(self.listener.family)
        connection.settimeout(LONG)
        if address is not None:
            connection.bind((address, 0))
        connection.connect(self.listener.getsockname())
        connection.sendall(data)
        return connection

    def until(self, is_so: Callable[[], Any]) -> None:
        """Return once the main thread has reached a state where `is_so` is true."""
        found = threading.Event()

        def look() -> None:
            if is_so():
                found.set()
            else:
                self.worker.method_queue.defer(look)

        self.worker.method_queue.defer(look)
        assert found.wait(LONG)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Block the main thread, so that all events in the meantime reach it at once."""
        waits, resume = threading.Event(), threading.Event()

        def wait() -> None:
            waits.set()
            resume.wait(LONG)

        self.worker.method_queue.defer(wait)
        assert waits.wait(LONG)
        yield
        resume.set()

    def ask(self, data: bytes = LAST) -> bytes:
        """Return the whole answer to a request that closes its connection."""
        with self.connect(data) as connection:
            return rest(connection)

    def _app(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/v1/slow":
            self.entered.release()
            self.gate.wait(LONG)
        if path == "/v1/body":
            with contextlib.suppress(OSError):
                environ["wsgi.input"].read()
        if path == "/v1/file":
            file = io.BytesIO(FILE) if "copied" in environ["QUERY_STRING"] else _on_disk()
            start("200 OK", [("Content-Length", str(len(FILE)))])
            wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
            return wrapped
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]


def _on_disk() -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    file.write(FILE)
    file.seek(0)
    return file


def rest(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return found
