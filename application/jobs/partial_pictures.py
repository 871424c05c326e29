"""Previews at even steps of a drawing, for clients that ask for a fixed number of them."""

from collections import Counter

__all__ = ["PartialPictures", "is_partial"]

_EVENT = "partial"


def is_partial(event: str) -> bool:
    """Return whether an event of a job is a partial picture."""
    return event.startswith(_EVENT)


class PartialPictures:
    """The partial pictures of a job. The queue's lock guards them.

    A client that asks for n of them gets one after each (n + 1)th part of the steps. Each is an
    event of its own, so a slow client loses none. A client that comes late gets the next one and
    those that follow it.
    """

    def __init__(self) -> None:
        self._listeners: Counter[int] = Counter()
        self._passed: dict[int, int] = {}
        self._pictures: dict[str, bytes] = {}

    def listen(self, number: int) -> None:
        """Count one more client that asks for this number of pictures; 0 for none."""
        if number:
            self._listeners[number] += 1

    def leave(self, number: int) -> None:
        """Count one client fewer."""
        if number:
            self._listeners[number] -= 1

    def are_due(self, step: int, steps: int) -> bool:
        """Return whether a client gets a picture of this step."""
        return bool(self._due(step, steps))

    def add(self, jpeg: bytes, step: int, steps: int) -> list[str]:
        """Keep the picture of this step for the clients that get it. Return the new events."""
        events = []
        for number, part in self._due(step, steps).items():
            self._passed[number] = part
            events.append(f"{_EVENT} {number} {part}")
            self._pictures[events[-1]] = jpeg
        return events

    def get(self, event: str) -> bytes | None:
        """Return the picture of an event; None for an event of another kind."""
        return self._pictures.get(event)

    def are_for(self, number: int, event: str) -> bool:
        """Return whether a client that asks for this number of pictures gets this event."""
        return event.startswith(f"{_EVENT} {number} ")

    def _due(self, step: int, steps: int) -> dict[int, int]:
        """Return the numbers of pictures that clients ask for, with the part that has passed.

        The finished picture is not a partial picture.
        """
        if step >= steps:
            return {}
        parts = {
            number: step * (number + 1) // steps
            for number, listeners in self._listeners.items()
            if listeners > 0
        }
        return {
            number: part for number, part in parts.items() if part > self._passed.get(number, 0)
        }
