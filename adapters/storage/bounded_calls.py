"""Calls that are abandoned when they take too long, because the callee has frozen.

A database that is down reports an error. A frozen one reports nothing: a paused server, a network
path that drops packets, a file system that hangs. No driver timeout covers all of these, so each
call runs in a thread of its own, and its caller waits for a bounded time.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["BoundedCalls", "GivenUp"]

_T = TypeVar("_T")


class GivenUp(Exception):
    """The caller abandoned a call before the call could change anything."""


class _Call:
    """One call. Either its caller abandons it or it may commit; never both."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.future: Future[Any] = Future()
        self.ended = threading.Event()
        self._deciding = threading.Lock()
        self._given_up = False
        self._committing = False

    def give_up(self) -> None:
        """Keep the call from changing anything from now on, unless it is already committing."""
        with self._deciding:
            self._given_up = not self._committing

    def commit(self) -> None:
        """Make it impossible to abandon the call. Raises GivenUp if the caller already did."""
        with self._deciding:
            if self._given_up:
                raise GivenUp
            self._committing = True


class BoundedCalls:
    """Runs each function in a thread that a frozen call may block for ever.

    The threads are daemons, so a frozen call does not keep the process from ending.

    Args:
        most: The largest number of calls at once. If all of them are abandoned and none has ended,
            a further call fails at once. If all of them still run, it fails once its time is over.
        name: The name of the threads.
    """

    def __init__(self, most: int = 16, *, name: str = "database") -> None:
        self._most = most
        self._name = name
        self._places = threading.BoundedSemaphore(most)
        self._current = threading.local()
        self._counting = threading.Lock()
        self._frozen: set[_Call] = set()

    def __call__(self, function: Callable[[], _T], seconds: float) -> _T:
        """Return or raise what `function` does. Raises TimeoutError if it takes longer."""
        late = TimeoutError(f"no answer within {seconds:g} s")
        began = time.monotonic()
        if len(self._frozen) == self._most:
            raise TimeoutError(f"{self._most} earlier calls have no answer yet")
        if not self._places.acquire(timeout=seconds):
            raise late
        call = _Call(function)
        thread = threading.Thread(target=self._run, args=(call,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system cannot start another thread
            self._places.release()
            raise
        if not call.ended.wait(max(0.0, began + seconds - time.monotonic())):
            call.give_up()
            with self._counting:
                if not call.ended.is_set():
                    self._frozen.add(call)
            raise late
        result: _T = call.future.result()
        return result

    def commit(self) -> None:
        """Mark the moment before the function that calls this commits its changes.

        Raises GivenUp if its caller no longer waits, so that the changes are dropped.
        """
        call: _Call | None = getattr(self._current, "call", None)
        if call is not None:
            call.commit()

    def _run(self, call: _Call) -> None:
        self._current.call = call
        try:
            result = call.function()
        except BaseException as error:
            call.future.set_exception(error)
        else:
            call.future.set_result(result)
        finally:
            self._places.release()
            with self._counting:
                call.ended.set()
                self._frozen.discard(call)
