"""How gunicorn's processes react to signals, without any process."""

import logging
import os
import signal
from queue import SimpleQueue
from typing import Any

import pytest

from adapters.gunicorn import early_signals
from adapters.gunicorn.arbiter import ServiceArbiter
from adapters.gunicorn.worker import service_worker
from tests.unit.lifecycle.service_bench import Bench


class _Ended(BaseException):
    """The process would have ended."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit statuses that the process would have ended with."""
    statuses: list[int] = []

    def end(status: int) -> None:
        statuses.append(status)
        raise _Ended

    monkeypatch.setattr(os, "_exit", end)
    return statuses


@pytest.fixture
def arbiter() -> Any:
    """An arbiter without configuration and without a worker."""
    made: Any = ServiceArbiter.__new__(ServiceArbiter)
    made.SIG_QUEUE = SimpleQueue()
    made.WORKERS = {}
    made._clock = lambda: made.now
    made.now = 100.0
    made.log = logging.getLogger("arbiter")
    return made


def test_a_handler_of_the_worker_only_notes_the_order() -> None:
    bench = Bench()
    worker = service_worker(bench.service, grace_seconds=9)
    interrupted: Any = object.__new__(worker)
    interrupted._orders = SimpleQueue()
    # A handler interrupts the main thread anywhere, even while it holds this lock.
    with bench.service._starting, bench.service._announcing:
        interrupted.handle_quit(signal.SIGINT, None)
        interrupted.handle_quit(signal.SIGQUIT, None)
        interrupted.handle_exit(signal.SIGTERM, None)
        interrupted.handle_abort(signal.SIGABRT, None)
        interrupted.handle_usr1(signal.SIGUSR1, None)
        interrupted.handle_winch(signal.SIGWINCH, None)
    noted = [interrupted._orders.get_nowait().name for _ in range(interrupted._orders.qsize())]
    assert noted == ["LEAVE", "LEAVE", "FINISH", "ABORT", "REOPEN_LOGS"]
    assert not bench.job_service.draining


def test_a_second_ctrl_c_ends_at_once(arbiter: Any, ends: list[int]) -> None:
    arbiter.signal(signal.SIGINT, None)
    arbiter.now += 0.3
    arbiter.signal(signal.SIGINT, None)  # a wrapper that forwards it
    assert ends == []
    arbiter.now += 0.01
    with pytest.raises(_Ended):
        arbiter.signal(signal.SIGINT, None)
    assert ends == [130]


def test_other_signals_are_left_to_gunicorn(arbiter: Any, ends: list[int]) -> None:
    for _ in range(3):
        arbiter.now += 9
        arbiter.signal(signal.SIGTERM, None)
    assert ends == []
    assert arbiter.SIG_QUEUE.qsize() == 3


def test_closing_the_terminal_ends_the_service_like_sigterm(arbiter: Any) -> None:
    arbiter._from_terminal = True
    with pytest.raises(StopIteration):
        arbiter.handle_hup()


@pytest.mark.parametrize("handler", ["handle_hup", "handle_ttin"])
def test_signals_without_meaning_for_one_worker_are_logged(
    arbiter: Any, handler: str, caplog: pytest.LogCaptureFixture
) -> None:
    getattr(arbiter, handler)()
    assert "changes nothing" in caplog.text


def test_startup_signal_handlers_are_restored() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        early_signals.end_at_once()
        assert all(signal.getsignal(number) is early_signals._end for number in numbers)
        early_signals.restore_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the same as with `nohup`
    others = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        early_signals.end_at_once()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
        for number, handler in others.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(2, 130), (15, 0), (1, 0)])
def test_a_signal_during_startup_ends_the_process(
    number: int, status: int, ends: list[int], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(_Ended):
        early_signals._end(number, None)
    assert ends == [status]
    assert capfd.readouterr().err == ("stopped\n" if number == 2 else "")
