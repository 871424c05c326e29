import contextlib
import signal

import pytest

from adapters.cli.interrupts import kept_interrupts


def test_ctrl_c_interrupts_as_usual() -> None:
    with pytest.raises(KeyboardInterrupt), kept_interrupts():
        signal.raise_signal(signal.SIGINT)


def test_a_swallowed_interrupt_is_raised_again() -> None:
    with pytest.raises(KeyboardInterrupt), kept_interrupts() as interrupted:
        interrupted()
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        interrupted()
        pytest.fail("it went on")


def test_an_interrupt_reported_as_another_error_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), kept_interrupts():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy is broken") from None


def test_another_error_is_unchanged_and_the_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ImportError), kept_interrupts():
        raise ImportError("numpy is broken")
    assert signal.getsignal(signal.SIGINT) is before
