"""How many of a bounded number of places one caller may hold."""

__all__ = ["fair_places"]

_FOR_EACH_FREE = 3
_FEW = 4


def fair_places(number: int, free: int) -> int:
    """The places that one caller may hold, so that a newcomer finds one.

    A caller gets a further place while it holds fewer than three for each one that is free, so one
    caller alone gets three quarters of them. Where there are four places or fewer, everyone may
    take all. This is the dynamic threshold of shared buffers (Choudhury & Hahne,
    IEEE/ACM Transactions on Networking 6(2), 1998).

    Args:
        number: How many places there are.
        free: How many of them nobody holds.
    """
    return _FEW if number <= _FEW else max(1, _FOR_EACH_FREE * free)
