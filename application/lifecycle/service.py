"""The life of the running service: its threads, started and stopped by whoever hosts it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from application.jobs.job_service import JobService
from application.jobs.records import JobRecords
from application.lifecycle.warm_up import WarmUp
from domain.errors import (
    DeviceLost,
    DeviceUnavailable,
    DomainError,
    GenerationFailed,
    StorageInUse,
)
from domain.ports.image_generator import ImageGenerator
from domain.services.model_registry import ModelRegistry

__all__ = ["InferenceService", "Readiness"]

_SOON_SECONDS = 0.2
"""At least between two looks."""
_TIDY_SECONDS = 60.0
_IN_USE_SECONDS = 0.5
"""Between two attempts to take over from another process."""
_LAST_WORDS_SECONDS = 1.0
"""For the answers of those who waited, when the process can draw no more and is to end."""
_WATCHING_SECONDS = 1.0
"""Between two looks at whether the device's thread makes progress."""
_UNREADY_SHARE = 6
"""Of the time after which a thread without progress ends the process; from there on the service is
not ready."""
_CLOSE_SECONDS = 0.5
"""For the end of what goes on in the background, where nothing else is waited for."""
_LOOKING_SHARE = 4
"""Times a look's own duration is added, so that large folders are not looked at all the time."""

_log = logging.getLogger(__name__)


class Readiness(StrEnum):
    """Whether a request would be drawn now, and why not."""

    READY = "ready"
    SEEKING_DEVICE = "the service is looking for the device"
    SCANNING = "the model files are being read, and no model that can draw is known yet"
    NO_MODEL = "there is no model to draw with"
    WARMING_UP = "the service is warming up: it draws the first pictures"
    IN_USE = "another service uses the same data folder"
    STANDS_STILL = "the device has shown no progress for a long time"
    STORAGE = "a job could not be stored: the disk is full, or the database is locked or gone"
    QUEUE_FULL = "the queue is full"
    DRAINING = "the service is stopping"


_Announcements = Mapping[Readiness, Callable[[], None]]
"""What is called the first time that the service is in one of these states."""


class InferenceService:
    """A thread that owns the device, one that scans the model folders, one that tidies up, and one
    that watches the first.

    `start` runs them, `stop` ends and joins them; neither is called by a constructor or an import.
    `on_ready` is called once, from one of them, when the device is known, there is a model to draw
    with and what is to be warm is so; `on_no_model` once when all is so but for the model;
    `on_fatal` from one of them when the device cannot be had, is lost or shows no progress for
    `stall_timeout` seconds, or the job store cannot be had: this process is of no use then.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        generator: ImageGenerator,
        job_service: JobService,
        records: JobRecords,
        *,
        scan_interval: float,
        warm_up: WarmUp | None = None,
        stall_timeout: float = 1800.0,
    ) -> None:
        self._registry = registry
        self._generator = generator
        self._job_service = job_service
        self._records = records
        self._scan_interval = scan_interval
        self._warm_up = warm_up
        self._stall_timeout = stall_timeout
        self._is_warm = False
        self._announcing = threading.Lock()
        self._announced: set[Readiness] = set()
        self._names_checked = False
        self._in_use = False
        self._taken_over = False
        self._given_up = False
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        """Lets no `stop` see threads that are not started yet."""
        self._threads: tuple[threading.Thread, ...] = ()

    @property
    def readiness(self) -> Readiness:
        """Whether a request would be drawn now, and why not."""
        if self._job_service.draining:
            return Readiness.DRAINING
        if self._generator.device is None:
            return Readiness.SEEKING_DEVICE
        # One large file that is still read keeps nobody from drawing with another.
        can_draw = self._registry.can_draw
        if not can_draw and (self._registry.reading or not self._registry.scanned):
            return Readiness.SCANNING
        if self._threads and not self._taken_over:
            return Readiness.IN_USE if self._in_use else Readiness.SEEKING_DEVICE
        if self._threads and not self._is_warm:
            return Readiness.WARMING_UP
        if self._job_service.still_for >= self._stall_timeout / _UNREADY_SHARE:
            return Readiness.STANDS_STILL
        if not can_draw:
            return Readiness.NO_MODEL
        if self._records.failing:
            return Readiness.STORAGE
        return Readiness.QUEUE_FULL if self._job_service.full else Readiness.READY

    def start(
        self,
        *,
        on_ready: Callable[[], None] = lambda: None,
        on_no_model: Callable[[], None] = lambda: None,
        on_fatal: Callable[[DomainError], None] = lambda _error: None,
    ) -> None:
        """Start the threads, unless the service was stopped before that.

        Raises RuntimeError when they were started before.
        """
        tell: _Announcements = {
            Readiness.READY: on_ready,
            Readiness.QUEUE_FULL: on_ready,
            Readiness.NO_MODEL: on_no_model,
        }
        threads = (
            threading.Thread(target=self._work, args=(tell, on_fatal), name="device", daemon=True),
            threading.Thread(target=self._watch, args=(tell,), name="scanner", daemon=True),
            threading.Thread(target=self._tidy, name="janitor", daemon=True),
            threading.Thread(
                target=self._watch_progress, args=(on_fatal,), name="watchdog", daemon=True
            ),
        )
        with self._starting:
            if self._threads:
                raise RuntimeError("the service was started before")
            if not self._stopping.is_set():
                self._threads = threads
                for thread in threads:
                    thread.start()

    def stop(self, timeout: float) -> None:
        """Take no new request, wait `timeout` seconds for what was accepted, give up the rest.

        It may be called again: until the rest is given up that call waits too, and the shorter of
        the times counts; after that it waits for nothing.
        """
        self._stopping.set()
        with self._starting:
            threads = self._threads
        self._job_service.drain()
        # In a thread, as a file that is read, or a locked database, may keep it waiting.
        closing = threading.Thread(target=self._registry.close, name="closing", daemon=True)
        closing.start()
        deadline = time.monotonic() + (0 if self._given_up else timeout)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._given_up = True
        self._job_service.abandon()
        if any(thread.is_alive() for thread in threads):
            # What is still drawn is this process's until that ends.
            self._job_service.put_back()
        else:
            self._records.close()
        closing.join(max(_CLOSE_SECONDS, deadline - time.monotonic()))

    def _work(self, tell: _Announcements, on_fatal: Callable[[DomainError], None]) -> None:
        try:
            self._generator.prepare()
            if self._take_over():
                if self._warm_up is not None and self._warm_up.needed:
                    self._warm_up.run(self._stopping.wait)
                self._is_warm = True
                if not self._stopping.is_set():
                    self._announce(tell)
                self._job_service.run_forever()
        except DeviceLost as error:
            self._job_service.abandon()
            self._stopping.wait(_LAST_WORDS_SECONDS)
            on_fatal(error)
        except DomainError as error:
            on_fatal(error)
        except BaseException as error:  # a library that is broken, say; nobody may wait for ever
            _log.critical("the device's thread has ended", exc_info=error)
            reason = f"{type(error).__name__}: {error}"
            self._end(DeviceUnavailable(reason), on_fatal)
        finally:
            self._job_service.abandon()

    def _end(self, error: DomainError, on_fatal: Callable[[DomainError], None]) -> None:
        """End the process, without the jobs that it may end because of."""
        self._job_service.give_up(
            GenerationFailed(f"the service had to end while this was drawn: {error}")
        )
        self._job_service.abandon()
        self._stopping.wait(_LAST_WORDS_SECONDS)
        on_fatal(error)

    def look_at_progress(self, on_fatal: Callable[[DomainError], None]) -> bool:
        """End the process when the device's thread has stood still for too long; whether it has."""
        still = self._job_service.still_for
        if still < self._stall_timeout:
            return False
        reason = f"the device's thread has shown no progress for {still:.0f} s"
        _log.critical("%s", reason)
        self._end(DeviceLost(reason), on_fatal)
        return True

    def _watch_progress(self, on_fatal: Callable[[DomainError], None]) -> None:
        while not self._stopping.wait(_WATCHING_SECONDS):
            if self.look_at_progress(on_fatal):
                return

    def _take_over(self) -> bool:
        """Wait until no other process draws the jobs; False when the service stops before that."""
        while not self._stopping.is_set():
            try:
                self._job_service.recover()
            except StorageInUse as error:
                if not self._in_use:
                    _log.warning("%s", error)
                self._in_use = True
                self._stopping.wait(_IN_USE_SECONDS)
            else:
                self._taken_over = True
                return True
        return False

    def _watch(self, tell: _Announcements) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            moving = False
            try:
                moving = self._registry.look()
                self._tell_of_names()
                self._announce(tell)
            except BaseException:  # a thread that ended would leave new models unseen for good
                if not self._stopping.is_set():  # a source that is being closed may well complain
                    _log.exception("the model folders could not be scanned")
            # A folder where something always changes must not be looked at all the time.
            self._stopping.wait(_LOOKING_SHARE * (time.monotonic() - began) + _SOON_SECONDS)
            if not moving:
                self._registry.wait(self._scan_interval)

    def _tell_of_names(self) -> None:
        """Once all models are known, log which of the configured names name none."""
        if self._registry.scanned and not self._names_checked:
            self._names_checked = True
            for problem in self._registry.name_problems():
                _log.warning("a configured name stands for no model: %s", problem)

    def _tidy(self) -> None:
        while not self._stopping.wait(_TIDY_SECONDS):
            try:
                self._records.tidy()
            except BaseException:
                _log.exception("old jobs could not be given up")

    def _announce(self, tell: _Announcements) -> None:
        readiness = self.readiness
        # Several threads may get here at once; the lock lets one of them announce it. When the
        # service is not ready any more, `readiness` says so to all who ask.
        with self._announcing:
            if readiness not in tell or self._announced & {readiness, Readiness.READY}:
                return
            self._announced |= {readiness} if readiness is Readiness.NO_MODEL else {Readiness.READY}
        try:
            tell[readiness]()
        except Exception:
            _log.exception("nobody could be told that: %s", readiness)
