"""Shares storage and places in the queue fairly between callers."""

from collections.abc import Collection

__all__ = ["KEPT_WITHOUT_PICTURES", "fair_places", "fair_share"]

_FOR_EACH_FREE = 3
_FEW = 4

KEPT_WITHOUT_PICTURES = 100
"""A caller's newest failed and cancelled jobs count as much as its pictures. Older ones go first.

So a client can still learn why its job failed when pictures fill the storage.
"""


def fair_share(used: Collection[int], room: int) -> int | None:
    """Return the most bytes that one caller keeps if all callers together may keep `room`.

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


def fair_places(number: int, free: int) -> int:
    """Return how many places one caller may hold, so that a new caller finds one.

    A caller gets a further place while it holds fewer than three for each free one. So a single
    caller gets three quarters of them. Of four places or fewer, a caller may take all. This is the
    dynamic threshold of shared buffers (Choudhury & Hahne, IEEE/ACM Transactions on Networking
    6(2), 1998).

    Args:
        number: How many places there are.
        free: How many of them are free.
    """
    return _FEW if number <= _FEW else max(1, _FOR_EACH_FREE * free)
