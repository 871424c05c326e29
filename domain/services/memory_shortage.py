"""What happens if memory is short."""

from collections.abc import Callable
from typing import TypeVar

from domain.errors import OutOfMemory
from domain.models.record import ModelRecord
from domain.ports.device_report import DeviceReport

__all__ = ["check_weights_fit", "drawn_with_fewer", "halved"]

Drawn = TypeVar("Drawn")


def check_weights_fit(model: ModelRecord, report: DeviceReport) -> None:
    """Raise OutOfMemory if the weights of a model certainly do not fit the device."""
    need = report.need_of(model)
    if need is not None and not need.fits:
        raise OutOfMemory(model.name, need.device, needed=need.bytes, limit=need.limit)


def halved(at_once: int) -> int:
    """Return how many images to draw together after `at_once` images did not fit."""
    return max(1, at_once // 2)


def drawn_with_fewer(
    draw: Callable[[int], Drawn], at_once: int, *, fewer: Callable[[int], int] = halved
) -> Drawn:
    """Return the result of `draw` for `at_once` images together, or for as many as fit.

    Args:
        draw: Draws with at most this many images together.
        at_once: The number of images to try first.
        fewer: Receives the number that did not fit, and returns the number to try next.

    Raises:
        OutOfMemory: Not even one image fits.
    """
    while True:
        try:
            return draw(at_once)
        except OutOfMemory:
            if at_once <= 1:
                raise
        at_once = min(fewer(at_once), at_once - 1)
