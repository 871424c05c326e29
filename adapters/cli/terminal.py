"""Text for people: sizes, foreign names, and a status line that is overwritten."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

import click

__all__ = ["StatusLine", "StepBar", "human_bytes", "human_seconds", "plain"]

_BAR_CELLS = 24
_UNITS = ("kB", "MB", "GB", "TB")


def human_bytes(count: int) -> str:
    """Format bytes as `312 B` or `4.3 GB`: decimal units, as disks and model sites use them."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in _UNITS:
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount:.0f} {_UNITS[-1]}"


def human_seconds(seconds: float) -> str:
    """Format seconds as `4 s`, `2:07` or `1:02:07`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def plain(text: str) -> str:
    """Return `text` on one line without terminal control codes: strangers choose file names."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class StatusLine:
    """One line on standard error that is overwritten while something is running.

    If that is not a terminal, or a terminal that cannot do it (TERM=dumb), only `note` writes.
    """

    def __init__(self, environ: Mapping[str, str], stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty() and environ.get("TERM") != "dumb"
        self._shown = 0

    def show(self, text: str) -> None:
        """Replace the text of the line with `text`."""
        if self._live:
            text = text[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + text.ljust(self._shown))
            self._stream.flush()
            self._shown = len(text)

    def clear(self) -> None:
        """Clear the line."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self.clear()
        click.echo(text, file=self._stream)


class StepBar:
    """Steps on a status line: a bar, the count, the speed and the time left."""

    def __init__(self, line: StatusLine, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = line
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` steps are done."""
        now = self._clock()
        if self._first is None or done < self._first[0]:  # drawing starts, or restarts
            self._first = (done, now)
        begun, since = self._first
        text = f"{_bar(done, total)} {done}/{total} steps"
        if done > begun and now > since:
            rate = (done - begun) / (now - since)
            text += f"  {_rate(rate)}  {human_seconds((total - done) / rate)} left"
        self._line.show(text)


def _bar(done: int, total: int) -> str:
    filled = _BAR_CELLS * done // total
    return f"[{'#' * filled}{'-' * (_BAR_CELLS - filled)}]"


def _rate(steps_per_second: float) -> str:
    if steps_per_second >= 1:
        return f"{steps_per_second:.1f} steps/s"
    return f"{1 / steps_per_second:.1f} s/step"
