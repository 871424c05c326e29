"""Records why a process crashed, for the process after it."""

from abc import ABC, abstractmethod

__all__ = ["CrashRecord", "NoCrashRecord"]


class CrashRecord(ABC):
    """Notes the fault that ends a process, for the next process to read.

    A fault is a signal that the kernel or the C library sends because of what the process does,
    such as SIGSEGV and SIGABRT. A process that is killed from outside (SIGKILL, a power cut) notes
    nothing. No method raises.
    """

    @abstractmethod
    def earlier(self) -> str | None:
        """Why the earlier process crashed while it drew, in words that follow «ended by».

        None where it did not crash, crashed in a thread that did not draw, or left no note.
        """

    @abstractmethod
    def forget(self) -> None:
        """Delete the note of the earlier process. Not for a process that has begun its own."""

    @abstractmethod
    def begin(self) -> None:
        """Forget the earlier process, and note the fault that ends this one.

        Faults of the calling thread, and of threads that Python did not start, count as faults of
        the drawing.
        """

    @abstractmethod
    def include_this_thread(self) -> None:
        """Let faults of the calling thread count as faults of the drawing too."""

    @abstractmethod
    def end(self) -> None:
        """Note nothing more, and delete the note: this process ends in order."""


class NoCrashRecord(CrashRecord):
    """Knows nothing of earlier processes."""

    def earlier(self) -> str | None:
        return None

    def forget(self) -> None:
        pass

    def begin(self) -> None:
        pass

    def include_this_thread(self) -> None:
        pass

    def end(self) -> None:
        pass
