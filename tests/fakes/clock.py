"""Time that passes when a test says so."""

__all__ = ["FakeClock"]


class FakeClock:
    """Seconds since some moment; a test sets `now`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
