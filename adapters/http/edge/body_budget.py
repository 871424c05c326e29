"""Bounds the memory of large bodies that are received at the same time."""

import threading
from collections import Counter

from flask import Flask, Response, current_app, g

from domain.errors import Activity, TooManyCallers

__all__ = ["BodyBudget", "give_back_body", "install_body_budget", "reserve_body"]

_EXTENSION = "ai-inference-body-budget"
_FOR_EACH_FREE = 3
"""A caller gets more while it holds fewer bytes than three for each free one. So one caller gets
three quarters, as of places in `application.fairness`."""


class BodyBudget:
    """A number of bytes for the large bodies of all requests. Any thread may call any method.

    Args:
        total: The bytes. A larger body is taken while no other one is there.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._held: Counter[str] = Counter()
        self._changing = threading.Lock()

    @property
    def taken(self) -> int:
        """The bytes of all bodies that are there now."""
        with self._changing:
            return self._held.total()

    def take(self, caller: str, size: int) -> bool:
        """Take bytes for a body of this caller. Return whether there was room, without a wait."""
        with self._changing:
            free = self._total - self._held.total()
            fits = size <= free and self._held[caller] < _FOR_EACH_FREE * free
            if self._held.total() and not fits:
                return False
            self._held[caller] += size
            return True

    def give_back(self, caller: str, size: int) -> None:
        """Free the bytes of a body of this caller."""
        with self._changing:
            self._held[caller] -= size
            if not self._held[caller]:
                del self._held[caller]


def install_body_budget(app: Flask, total: int) -> None:
    """Let the requests of `app` share `total` bytes for their large bodies."""
    app.extensions[_EXTENSION] = BodyBudget(total)

    def end(response: Response) -> Response:
        give_back_body()
        return response

    app.after_request(end)
    app.teardown_request(lambda _error: give_back_body())


def reserve_body(size: int) -> None:
    """Reserve memory for the body of the current request, before it is read.

    It is held until `give_back_body`, or the end of the request. Raise TooManyCallers if too many
    large bodies are there now.
    """
    caller = g.principal.name if "principal" in g else ""
    if not _budget().take(caller, size):
        raise TooManyCallers(Activity.SENDING)
    g.large_body = caller, size


def give_back_body() -> None:
    """Free the memory of the current request's body. What was read of it must be dropped then."""
    held = g.pop("large_body", None)
    if held is not None:
        _budget().give_back(*held)


def _budget() -> BodyBudget:
    budget: BodyBudget = current_app.extensions[_EXTENSION]
    return budget
