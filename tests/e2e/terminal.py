"""A program at a terminal of its own, whose keys a test presses and whose window it closes."""

import contextlib
import fcntl
import os
import re
import select
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["CTRL_C", "AtTerminal"]

CTRL_C = b"\x03"


class AtTerminal:
    """A process whose controlling terminal is a pseudo-terminal, and what it prints there."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self._screen, slave = os.openpty()
        self._stopped, self._stop = os.pipe()
        self._text = ""
        self._changed = threading.Condition()

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        try:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                preexec_fn=take_terminal,
            )
        finally:
            os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def printed(self) -> str:
        """Return everything that it has printed so far."""
        with self._changed:
            return self._text

    def wait_for(self, pattern: str, seconds: float = 120) -> None:
        """Wait until it has printed text that matches `pattern`."""

        def look() -> bool:
            found = re.search(pattern, self._text) is not None
            return found or self.process.poll() is not None

        with self._changed:
            self._changed.wait_for(look, seconds)
            assert re.search(pattern, self._text), f"no {pattern!r} in:\n{self._text}"

    def press(self, key: bytes) -> None:
        """Press a key; the terminal sends the signals."""
        with contextlib.suppress(OSError):  # the program has ended, and its terminal with it
            os.write(self._screen, key)

    def close_window(self) -> None:
        """Close the terminal, so that the processes in it receive SIGHUP."""
        self._stop_reading()
        screen, self._screen = self._screen, -1
        os.close(screen)

    def seconds_to_end(self, limit: float) -> float:
        """Wait until it has ended; return how long that took."""
        began = time.monotonic()
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it still runs after {limit} s:\n{self.printed}") from None
        took = time.monotonic() - began
        self._reader.join(10)
        return took

    def close(self) -> None:
        """End it and all its children, whatever they are doing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self._stop_reading()
        for each in (self._screen, self._stopped, self._stop):
            if each >= 0:
                os.close(each)

    def _stop_reading(self) -> None:
        # A pending read keeps the terminal open, even when its descriptor is closed.
        os.write(self._stop, b"x")
        self._reader.join(10)

    def _read(self) -> None:
        while self._stopped not in select.select([self._screen, self._stopped], [], [])[0]:
            try:
                read = os.read(self._screen, 65536)
            except OSError:  # EIO once no process has the other end open
                read = b""
            with self._changed:
                self._text += read.decode(errors="replace").replace("\r\n", "\n")
                self._changed.notify_all()
            if not read:
                return
