"""What a shortage of memory does above the generator: fewer images are drawn together."""

from collections.abc import Callable
from typing import TypeVar

from domain.errors import OutOfMemory

__all__ = ["drawn_with_fewer", "halved"]

Drawn = TypeVar("Drawn")


def halved(at_once: int) -> int:
    """How many images to draw together after `at_once` did not fit."""
    return max(1, at_once // 2)


def drawn_with_fewer(
    draw: Callable[[int], Drawn], at_once: int, *, fewer: Callable[[int], int] = halved
) -> Drawn:
    """What `draw` returns for `at_once` images together, or for as many as fit.

    Args:
        draw: Draws with at most so many images together.
        at_once: How many to try first.
        fewer: Is told how many did not fit, and says how many to try now.

    Raises:
        OutOfMemory: not even one image fits.
    """
    while True:
        try:
            return draw(at_once)
        except OutOfMemory:
            if at_once <= 1:
                raise
        at_once = min(fewer(at_once), at_once - 1)
