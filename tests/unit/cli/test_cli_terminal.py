import io

import pytest

from adapters.cli.terminal import StatusLine, StepBar, human_bytes, human_seconds, plain
from tests.fakes.clock import FakeClock


class Screen(io.StringIO):
    """A terminal that records what is written."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """Return the successive texts of the line."""
        return [text.rstrip() for text in self.getvalue().split("\r")[1:]]


def test_the_bar_shows_progress_speed_and_time_left() -> None:
    screen, clock = Screen(), FakeClock()
    bar = StepBar(StatusLine({}, screen), clock)
    for done in (1, 3, 4):
        bar(done, 4)
        clock.now += 0.5
    assert screen.lines == [
        "[######------------------] 1/4 steps",
        "[##################------] 3/4 steps  4.0 steps/s  0 s left",
        "[########################] 4/4 steps  3.0 steps/s  0 s left",
    ]


def test_slow_steps_are_shown_in_seconds_per_step() -> None:
    screen, clock = Screen(), FakeClock()
    bar = StepBar(StatusLine({}, screen), clock)
    bar(1, 30)
    clock.now += 5
    bar(2, 30)
    assert screen.lines[-1].endswith("2/30 steps  5.0 s/step  2:20 left")


def test_a_drawing_that_restarts_is_measured_from_its_restart() -> None:
    screen, clock = Screen(), FakeClock()
    bar = StepBar(StatusLine({}, screen), clock)
    bar(5, 10)
    clock.now += 1
    bar(1, 40)
    assert screen.lines[-1].endswith("1/40 steps")


def test_a_shorter_line_erases_the_longer_one() -> None:
    screen = Screen()
    line = StatusLine({}, screen)
    line.show("a long one")
    line.show("short")
    line.clear()
    line.clear()
    assert screen.getvalue() == "\ra long one\rshort     \r     \r"


def test_a_line_is_no_longer_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen()
    StatusLine({}, screen).show("x" * 50)
    assert screen.getvalue() == "\r" + "x" * 19


@pytest.mark.parametrize(
    ("stream", "environ"), [(io.StringIO(), {}), (Screen(), {"TERM": "dumb"})], ids=["pipe", "dumb"]
)
def test_without_cursor_control_only_notes_are_written(
    stream: io.StringIO, environ: dict[str, str]
) -> None:
    line = StatusLine(environ, stream)
    StepBar(line)(1, 4)
    line.note("a note")
    line.clear()
    assert stream.getvalue() == "a note\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (4_265_000_000, "4.3 GB")],
)
def test_sizes_are_readable(count: int, text: str) -> None:
    assert human_bytes(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (127, "2:07"), (3727, "1:02:07")])
def test_times_are_readable(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


def test_foreign_text_cannot_control_the_terminal() -> None:
    assert plain("a\x1b[2J\nb\u202ec\udc80é") == "a\\x1b[2J\\nb\\u202ec\\udc80é"
