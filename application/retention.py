"""Whose finished jobs are given up first when there is no room for all."""

from collections.abc import Collection

__all__ = ["KEPT_WITHOUT_PICTURES", "fair_share"]

KEPT_WITHOUT_PICTURES = 100
"""A caller's newest failed and cancelled jobs count as much as its pictures. Older ones go first.

A client that asks for a failed job learns why it failed, also while the room is full of pictures.
"""


def fair_share(used: Collection[int], room: int) -> int | None:
    """The most bytes that one caller keeps, when all callers together may keep `room`.

    This is max-min fairness: a caller that uses less than its share keeps everything, and what it
    leaves is shared by the others (Bertsekas & Gallager, Data Networks, section 6.5.2).

    Args:
        used: The bytes that each caller uses.
        room: The bytes that all of them may use.

    Returns:
        The bytes of the largest share. None when everything fits.
    """
    if sum(used) <= room:
        return None
    left = max(0, room)
    for place, amount in enumerate(sorted(used)):
        share = left // (len(used) - place)
        if amount > share:
            return share
        left -= amount
    return 0
