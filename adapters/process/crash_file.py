"""A file that records the fault that ended a process."""

import contextlib
import faulthandler
import logging
import os
import re
import signal
import stat
import threading
from pathlib import Path

from application.ports.crash_record import CrashRecord

__all__ = ["CrashFile"]

_MOST_BYTES = 1_000_000
"""Bytes read from the file. A thread's part has at most a hundred lines."""
_DRAWING = "drawing thread"
_OBEYING = "obeying thread"

# The texts of CPython's Modules/faulthandler.c for each signal that it handles.
_SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Floating point exception": "SIGFPE",
    "Floating-point exception": "SIGFPE",
    "Illegal instruction": "SIGILL",
}
_FAULT = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)
_CURRENT = re.compile(r"^Current thread 0x([0-9a-f]+)", re.MULTILINE)
_CALLS = re.compile(r"hread 0x([0-9a-f]+)[^\n]*\n((?:  .*\n?)*)")
_SHOWN_CALLS = 12
_HEADER = re.compile(rf"^({_DRAWING}|{_OBEYING}) 0x([0-9a-f]+)$", re.MULTILINE)

_log = logging.getLogger(__name__)


class CrashFile(CrashRecord):
    """Makes Python's `faulthandler` write to a file, and reads what it wrote.

    `faulthandler` handles SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL without any lock of Python's.
    It writes the stack of each thread, and the signal then ends the process as before. If a host
    program has already enabled `faulthandler`, it is left unchanged, and nothing is recorded.

    A process that handles SIGABRT itself, as a gunicorn worker does, gets that signal as the order
    to end when it no longer answers. If a library keeps it from running Python, it cannot obey and
    is killed; the record that SIGABRT left then says so.

    Args:
        path: The file. Its folder is created if necessary.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._file: int | None = None
        self._changing = threading.Lock()

    def earlier(self) -> str | None:
        text = self._text()
        faults = list(_FAULT.finditer(text))
        if not faults:
            return None
        words = faults[-1][1]
        name = _SIGNALS.get(words)
        cause = f"{name} ({words.lower()})" if name else words
        trace = text[faults[-1].start() :]
        threads = {(kind, int(number, 16)) for kind, number in _HEADER.findall(text)}
        _log.error("an earlier process was ended by %s", cause)
        for number, calls in _CALLS.findall(trace):
            if (_DRAWING, int(number, 16)) in threads:
                _log.error("it was drawing here: %s", _last_calls(calls))
        current = _CURRENT.search(trace)
        if current is None or (_DRAWING, int(current[1], 16)) in threads:
            return cause
        if name == "SIGABRT" and (_OBEYING, int(current[1], 16)) in threads:
            return (
                "its supervisor, because it had not answered for minutes: a library kept Python "
                "from running"
            )
        return None

    def forget(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def begin(self) -> None:
        self.end()
        self.forget()
        if faulthandler.is_enabled():
            _log.info("faulthandler is enabled already, so no crash is noted in %s", self._path)
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
            self._file = os.open(self._path, flags, 0o600)
        except OSError as error:
            _log.warning("no crash can be noted in %s: %s", self._path, error.strerror)
            return
        if callable(signal.getsignal(signal.SIGABRT)):
            self._note(_OBEYING, threading.main_thread().ident)
        # The thread that enables it gets an alternate stack, so that its own stack may overflow.
        faulthandler.enable(file=self._file, all_threads=True)
        self.include_this_thread()

    def include_this_thread(self) -> None:
        self._note(_DRAWING, threading.get_ident())

    def end(self) -> None:
        with self._changing:
            file, self._file = self._file, None
        if file is None:  # if nothing was started, the file belongs to another process
            return
        faulthandler.disable()
        os.close(file)
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _note(self, what: str, thread: int | None) -> None:
        with self._changing, contextlib.suppress(OSError):
            if self._file is not None:
                os.write(self._file, f"{what} 0x{thread or 0:x}\n".encode())

    def _text(self) -> str:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return ""
            return os.read(file, _MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""
        finally:
            os.close(file)


def _last_calls(calls: str) -> str:
    """Return the innermost calls of a thread, the latest first, on one line."""
    return "; ".join(line.strip() for line in calls.splitlines()[:_SHOWN_CALLS])
