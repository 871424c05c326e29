"""A generator in another process, behind a pipe: what a port that crosses a wire needs.

The child is started by spawn, so it shares nothing with this process. Everything that goes through
the pipe is pickled. Each call of the watcher is a question that this process answers.
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    ImageGenerator,
)

__all__ = ["RemoteGenerator"]


class _Stop(BaseException):
    """The watcher on the other side has raised."""


class _WatcherOverThere(DrawingWatcher):
    """Calls the watcher at the other end of the pipe."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe

    def loading(self, loaded: bool) -> None:
        self._call("loading", loaded)

    def step(self, done: int, total: int) -> None:
        self._call("step", done, total)

    def wants_preview(self, number: int) -> bool:
        return bool(self._call("wants_preview", number))

    def preview(self, number: int, jpeg: bytes) -> None:
        self._call("preview", number, jpeg)

    def _call(self, name: str, *arguments: object) -> object:
        self._pipe.send((name, arguments))
        stopped, answer = self._pipe.recv()
        if stopped:
            raise _Stop
        return answer


def _serve(make: Callable[[], ImageGenerator], pipe: "Connection[Any, Any]") -> None:
    """What the child does: draws each batch that comes, until there is None."""
    generator = make()
    while (batch := pipe.recv()) is not None:
        try:
            pipe.send(("drawn", generator.draw(batch, _WatcherOverThere(pipe))))
        except _Stop:
            pipe.send(("stopped", None))
        except Exception as error:
            pipe.send(("failed", error))


class RemoteGenerator(ImageGenerator):
    """Draws with the generator that `make` makes in a process of its own.

    Args:
        make: A function of a module, which the child can import.
    """

    device = "cpu"
    largest_batch = 4

    def __init__(self, make: Callable[[], ImageGenerator]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def prepare(self) -> None:
        """The child is ready when it answers."""

    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        self._pipe.send(batch)
        raised: BaseException | None = None
        while True:
            what, content = self._pipe.recv()
            if what == "drawn":
                assert isinstance(content, DrawnBatch)
                return content
            if what == "stopped":
                assert raised is not None
                raise raised
            if what == "failed":
                raise content
            try:
                answer = (False, getattr(watcher, what)(*content))
            except BaseException as error:
                raised, answer = error, (True, None)
            self._pipe.send(answer)

    def close(self) -> None:
        """End the child."""
        self._pipe.send(None)
        self._process.join(30)
        self._pipe.close()
