"""The life of the running service: its threads, started and stopped by its host."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial

from application.jobs.job_service import JobService
from application.jobs.records import JobRecords
from application.lifecycle.devices import Device, Devices, DeviceState
from domain.errors import DomainError
from domain.services.model_registry import ModelRegistry

__all__ = ["InferenceService", "Readiness"]

_SOON_SECONDS = 0.2
"""The least time between two scans."""
_TIDY_SECONDS = 60.0
_WATCHING_SECONDS = 1.0
"""Seconds between two checks whether the devices make progress."""
_CLOSE_SECONDS = 0.5
"""The least seconds that `stop` waits for the end of background work."""
_SCAN_SHARE = 4
"""The pause after a scan is this many times as long as the scan, so that large folders are not
scanned all the time."""

_log = logging.getLogger(__name__)


class Readiness(StrEnum):
    """Whether a request would be drawn now, and if not, why."""

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
"""The callback for the first time that the service is in one of these states."""


class InferenceService:
    """One thread draws on each device, one scans the model folders, one tidies up, one watches.

    `start` runs the threads; `stop` ends and joins them. No constructor or import calls either.

    Args:
        registry: Lists the models.
        devices: At least one device. Each draws with a worker of `job_service`.
        job_service: Accepts jobs and gives them to the devices.
        records: Stores jobs and pictures.
        scan_interval: Seconds between two scans of the model folders if nothing changes.
        stall_timeout: Seconds without a sign of life after which a device is given up.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        devices: Sequence[Device],
        job_service: JobService,
        records: JobRecords,
        *,
        scan_interval: float,
        stall_timeout: float = 1800.0,
    ) -> None:
        self._registry = registry
        self._job_service = job_service
        self._records = records
        self._scan_interval = scan_interval
        self._announcing = threading.Lock()
        self._announced: set[Readiness] = set()
        self._names_checked = False
        self._settings_told: frozenset[str] = frozenset()
        self._given_up = False
        self._stopping = threading.Event()
        self._devices = Devices(
            devices, job_service, stall_timeout=stall_timeout, stopping=self._stopping
        )
        self._starting = threading.Lock()
        """Keeps `stop` from seeing threads that are not started yet."""
        self._threads: tuple[threading.Thread, ...] = ()

    @property
    def readiness(self) -> Readiness:
        """Whether a request would be drawn now, and if not, why."""
        if self._job_service.draining:
            return Readiness.DRAINING
        if not self._devices.is_one_known:
            return Readiness.SEEKING_DEVICE
        # A large file that is still being read does not keep other models from drawing.
        can_draw = self._registry.can_draw
        if not can_draw and (self._registry.reading or not self._registry.scanned):
            return Readiness.SCANNING
        if self._threads and not self._devices.have_taken_over:
            return Readiness.IN_USE if self._devices.in_use else Readiness.SEEKING_DEVICE
        if self._threads and not self._devices.is_one_ready:
            return Readiness.WARMING_UP
        if self._devices.are_stalled:
            return Readiness.STANDS_STILL
        if not can_draw:
            return Readiness.NO_MODEL
        if self._records.failing:
            return Readiness.STORAGE
        return Readiness.QUEUE_FULL if self._job_service.full else Readiness.READY

    @property
    def device_states(self) -> dict[str, DeviceState]:
        """The state of each device by the name of its worker."""
        return self._devices.states

    def start(
        self,
        *,
        on_ready: Callable[[], None] = lambda: None,
        on_no_model: Callable[[], None] = lambda: None,
        on_fatal: Callable[[DomainError], None] = lambda _error: None,
    ) -> None:
        """Start the threads, unless the service was stopped before.

        Each callback is called by one of the threads.

        Args:
            on_ready: Called once, when a device is ready and there is a model to draw with.
            on_no_model: Called once, when everything is ready except that there is no such model.
            on_fatal: Called once, when this process cannot draw any more: no device is available,
                every device is lost or has stalled, or the job store cannot be opened.

        Raises RuntimeError if they were started before.
        """
        tell: _Announcements = {
            Readiness.READY: on_ready,
            Readiness.QUEUE_FULL: on_ready,
            Readiness.NO_MODEL: on_no_model,
        }
        threads = (
            *(
                threading.Thread(
                    target=partial(
                        self._devices.run,
                        device,
                        on_ready=partial(self._announce, tell),
                        on_fatal=on_fatal,
                    ),
                    name=device.worker.name,
                    daemon=True,
                )
                for device in self._devices
            ),
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
        """Refuse new requests, wait `timeout` seconds for accepted ones, and give up the rest.

        It may be called again. A call during the wait waits too, and the shorter timeout counts. A
        later call does not wait.
        """
        self._stopping.set()
        with self._starting:
            threads = self._threads
        self._job_service.drain()
        # A thread closes it, because a file that is being read, or a locked database, may block.
        closing = threading.Thread(target=self._registry.close, name="closing", daemon=True)
        closing.start()
        deadline = time.monotonic() + (0 if self._given_up else timeout)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._given_up = True
        self._job_service.abandon()
        if any(thread.is_alive() for thread in threads):
            # Running jobs belong to this process until it ends.
            self._job_service.requeue_running()
        else:
            self._records.close()
        closing.join(max(_CLOSE_SECONDS, deadline - time.monotonic()))

    def look_at_progress(self, on_fatal: Callable[[DomainError], None]) -> bool:
        """As `Devices.look_at_progress`."""
        return self._devices.look_at_progress(on_fatal)

    def _watch_progress(self, on_fatal: Callable[[DomainError], None]) -> None:
        while not self._stopping.wait(_WATCHING_SECONDS):
            if self.look_at_progress(on_fatal):
                return

    def _watch(self, tell: _Announcements) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            moving = False
            try:
                moving = self._registry.look()
                self._tell_of_names()
                self._tell_of_settings()
                self._announce(tell)
            except BaseException:  # without this thread no new model would be found
                if not self._stopping.is_set():  # a source that is being closed may raise
                    _log.exception("the model folders could not be scanned")
            # A folder that changes all the time must not be scanned all the time.
            self._stopping.wait(_SCAN_SHARE * (time.monotonic() - began) + _SOON_SECONDS)
            if not moving:
                self._registry.wait(self._scan_interval)

    def _tell_of_names(self) -> None:
        """Once all models are known, log the configured names that match no model."""
        if self._registry.scanned and not self._names_checked:
            self._names_checked = True
            for problem in self._registry.name_problems():
                _log.warning("a configured name stands for no model: %s", problem)

    def _tell_of_settings(self) -> None:
        """Once all models are known, log each setting of a model that nothing follows, once."""
        if self._registry.scanned:
            problems = self._registry.settings_problems()
            for problem in problems:
                if problem not in self._settings_told:
                    _log.warning("a setting of a model is not followed: %s", problem)
            self._settings_told = frozenset(problems)

    def _tidy(self) -> None:
        while not self._stopping.wait(_TIDY_SECONDS):
            try:
                self._records.tidy()
            except BaseException:
                _log.exception("old jobs could not be removed")

    def _announce(self, tell: _Announcements) -> None:
        readiness = self.readiness
        # Several threads may get here at once. The lock lets one of them announce it. If the
        # service becomes unready later, `readiness` says so.
        with self._announcing:
            if readiness not in tell or self._announced & {readiness, Readiness.READY}:
                return
            self._announced |= {readiness} if readiness is Readiness.NO_MODEL else {Readiness.READY}
        try:
            tell[readiness]()
        except Exception:
            _log.exception("the host could not be told: %s", readiness)
