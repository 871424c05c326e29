"""gunicorn's master process, for one service in one worker, with signals for a terminal."""

import contextlib
import os
import signal
import time
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from adapters.gunicorn.process_exit import end_process

__all__ = ["HELD_SIGNALS", "ServiceArbiter"]

HELD_SIGNALS = frozenset(
    {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGABRT, signal.SIGUSR1}
)
"""Signals that a new worker receives only once it can handle them."""

_INTERRUPTED = 130
"""Exit status that shells report for a program ended by Ctrl-C: 128 plus the number of SIGINT."""

_ONE_PRESS_SECONDS = 0.3
"""A wrapper may forward the SIGINT that the terminal already sent; no person presses that fast."""


class ServiceArbiter(Arbiter):
    """gunicorn's arbiter, with different reactions to some signals.

    - A second Ctrl-C ends everything at once.
    - SIGHUP ends the service as SIGTERM does if a terminal started it. Otherwise it changes
      nothing: a reload would hold two copies of every model and would read no new setting.
    - SIGTTIN adds no worker: the service is one process, which owns the device and DATA_DIR.
    - No signal is lost between the fork of the worker and the moment when it can handle signals.
    """

    _clock = staticmethod(time.monotonic)
    _interrupted_at: float | None = None
    _from_terminal = False
    _ignores_hangup = False

    @classmethod
    def convert(cls, server: Any) -> None:
        """Turn a gunicorn server into a ServiceArbiter, before it installs its signal handlers.

        A plain `gunicorn` command creates its Arbiter itself and has no setting for the class.
        """
        server.__class__ = cls
        server._from_terminal = _has_terminal()
        server._ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def init_signals(self) -> None:
        super().init_signals()
        if self._ignores_hangup:  # `nohup`
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def signal(self, sig: int, frame: Any) -> None:
        if sig == signal.SIGINT:
            now = self._clock()
            if self._interrupted_at is None:
                self._interrupted_at = now
            elif now - self._interrupted_at > _ONE_PRESS_SECONDS:
                self._end_at_once()
        super().signal(sig, frame)

    def spawn_worker(self) -> Any:
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
        try:
            return super().spawn_worker()
        finally:  # the worker's process released these signals long ago, and ends here
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)

    def handle_hup(self) -> None:
        if self._from_terminal:
            self.log.info("the terminal is closed")
            self.handle_term()
        self.log.warning("SIGHUP changes nothing; restart the service to change settings")

    def handle_ttin(self) -> None:
        self.log.warning("SIGTTIN changes nothing; the service is one worker")

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        try:
            try:
                super().halt(reason, exit_status)
            except HaltServer as error:  # the worker failed while it was being stopped
                super().halt(error.reason, error.exit_status)
        except SystemExit as error:
            # An orderly interpreter shutdown restores the default action of Ctrl-C.
            end_process(error)

    def _end_at_once(self) -> None:
        # This runs in a signal handler, so nothing here may wait. Jobs are kept; the next start
        # runs them.
        for pid in tuple(self.WORKERS):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        os._exit(_INTERRUPTED)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
