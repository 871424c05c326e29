"""A record of crashes in memory."""

from application.ports.crash_record import CrashRecord

__all__ = ["FakeCrashRecord"]


class FakeCrashRecord(CrashRecord):
    """What a test defines for the earlier process; `begun` says whether this one is recorded.

    Attributes:
        cause: Why the earlier process crashed.
        begun: Whether a crash of this process would be recorded.
    """

    def __init__(self) -> None:
        self.cause: str | None = None
        self.begun = False

    def earlier(self) -> str | None:
        return self.cause

    def forget(self) -> None:
        self.cause = None

    def begin(self) -> None:
        self.cause, self.begun = None, True

    def include_this_thread(self) -> None:
        pass

    def end(self) -> None:
        if self.begun:
            self.cause, self.begun = None, False
