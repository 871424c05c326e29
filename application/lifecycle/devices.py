"""Starts, watches and gives up the devices that draw, each on a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from application.jobs.job_service import JobService
from application.jobs.worker import DeviceWorker
from application.lifecycle.warm_up import WarmUp
from domain.errors import (
    DeviceLost,
    DeviceUnavailable,
    DomainError,
    GenerationFailed,
    StorageInUse,
    StorageUnavailable,
)
from domain.ports.image_generator import ImageGenerator

__all__ = ["Device", "DeviceState", "Devices"]

_IN_USE_SECONDS = 0.5
"""Seconds between two attempts to take over from another process."""
_LAST_WORDS_SECONDS = 1.0
"""Seconds for the answers to waiting callers, before a process without a device ends."""
_UNREADY_SHARE = 6
"""A device is not ready once it stalls for this share of the time after which it is given up."""

_log = logging.getLogger(__name__)

_OnFatal = Callable[[DomainError], None]


@dataclass(frozen=True, slots=True)
class Device:
    """A device, the worker that draws on it, and its warm-up."""

    generator: ImageGenerator
    worker: DeviceWorker
    warm_up: WarmUp | None = None


class DeviceState(StrEnum):
    """The state of a device. A `ready` device draws, or would draw."""

    STARTING = "starting"
    READY = "ready"
    LOST = "lost"


class Devices:
    """Runs the devices of the service. Any thread may call any method.

    A device that is lost or stalls takes no more jobs. The jobs that it was drawing fail, and the
    other devices go on. The loss of the last device ends the service: `on_fatal` is called, once.

    Args:
        devices: At least one. Their workers are those of `job_service`.
        job_service: Gives jobs to the devices.
        stall_timeout: Seconds without a sign of life after which a device is given up.
        stopping: Set when the service stops.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        job_service: JobService,
        *,
        stall_timeout: float,
        stopping: threading.Event,
    ) -> None:
        self._devices = tuple(devices)
        self._job_service = job_service
        self._stall_timeout = stall_timeout
        self._stopping = stopping
        self._changing = threading.Lock()
        self._states = {each.worker.name: DeviceState.STARTING for each in devices}
        self._drawing = len(self._devices)
        self._taking_over = threading.Lock()
        self._has_taken_over = False
        self._in_use = False
        self._has_ended = False

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices)

    @property
    def states(self) -> dict[str, DeviceState]:
        """The state of each device by the name of its worker."""
        with self._changing:
            return dict(self._states)

    @property
    def is_one_known(self) -> bool:
        """Whether the hardware of at least one device is known."""
        return any(each.generator.device is not None for each in self._devices)

    @property
    def is_one_ready(self) -> bool:
        """Whether at least one device is ready."""
        return DeviceState.READY in self.states.values()

    @property
    def are_stalled(self) -> bool:
        """Whether every remaining device has shown no sign of life for a long time."""
        bound = self._stall_timeout / _UNREADY_SHARE
        left = self._left()
        return bool(left) and all(each.worker.stalled_for >= bound for each in left)

    @property
    def in_use(self) -> bool:
        """Whether another process owned the jobs at the last attempt to take over."""
        return self._in_use

    @property
    def have_taken_over(self) -> bool:
        """Whether this process owns the jobs."""
        return self._has_taken_over

    def run(self, device: Device, *, on_ready: Callable[[], None], on_fatal: _OnFatal) -> None:
        """Draw with a device until the service stops or the device is lost. Raises nothing.

        Args:
            device: One of these devices.
            on_ready: Called when the device is ready.
            on_fatal: Called with the reason if the service has to end.
        """
        try:
            device.generator.prepare()
            if self._take_over():
                if device.warm_up is not None and device.warm_up.needed:
                    device.warm_up.run(self._stopping.wait)
                self._set_ready(device)
                if not self._stopping.is_set():
                    on_ready()
                device.worker.run_forever()
        except StorageUnavailable as error:  # the fault is in the store that all devices share
            self._end(error, on_fatal)
        except DeviceLost as error:
            self._lose(device, error, on_fatal)
        except DomainError as error:  # the device is not available, and nothing was drawn
            self._lose(device, error, on_fatal, at_once=True)
        except BaseException as error:  # such as a broken library; no caller may wait for ever
            _log.critical("the thread of %s has ended", device.worker.name, exc_info=error)
            reason = DeviceUnavailable(f"{type(error).__name__}: {error}")
            self._lose(device, reason, on_fatal)
        finally:
            with self._changing:
                self._drawing -= 1
                is_last = self._drawing == 0
            if is_last:
                self._job_service.abandon()

    def look_at_progress(self, on_fatal: _OnFatal) -> bool:
        """Give up each device that has stalled for too long. Return whether the service ends."""
        for device in self._left():
            stalled = device.worker.stalled_for
            if stalled >= self._stall_timeout:
                reason = f"the device's thread has shown no progress for {stalled:.0f} s"
                _log.critical("%s", reason)
                self._lose(device, DeviceLost(reason), on_fatal)
        return self._has_ended

    def _left(self) -> list[Device]:
        states = self.states
        return [each for each in self._devices if states[each.worker.name] is not DeviceState.LOST]

    def _set_ready(self, device: Device) -> None:
        with self._changing:
            if self._states[device.worker.name] is DeviceState.STARTING:
                self._states[device.worker.name] = DeviceState.READY

    def _lose(
        self, device: Device, error: DomainError, on_fatal: _OnFatal, *, at_once: bool = False
    ) -> None:
        """Give up a device. End the service if it was the last one.

        Waiting callers get their answers first, unless the service ends `at_once`.
        """
        name = device.worker.name
        with self._changing:
            if self._states[name] is DeviceState.LOST:  # it was given up before
                return
            self._states[name] = DeviceState.LOST
            left = len(self._states) - list(self._states.values()).count(DeviceState.LOST)
        device.worker.leave()
        device.worker.fail_running(
            GenerationFailed(
                f"the device was lost while this was drawn: {error}"
                if left
                else f"the service had to end while this was drawn: {error}"
            )
        )
        if left:
            _log.error("%s draws no more; devices that are left: %d: %s", name, left, error)
            return
        if not at_once:
            self._job_service.abandon()
            self._stopping.wait(_LAST_WORDS_SECONDS)
        self._end(error, on_fatal)

    def _end(self, error: DomainError, on_fatal: _OnFatal) -> None:
        with self._changing:
            had_ended, self._has_ended = self._has_ended, True
        if not had_ended:
            on_fatal(error)

    def _take_over(self) -> bool:
        """Wait until no other process owns the jobs; False if the service stops before that.

        The thread of one device does this for all devices.
        """
        with self._taking_over:
            while not self._stopping.is_set():
                if self._has_taken_over:
                    return True
                try:
                    self._job_service.recover()
                except StorageInUse as error:
                    if not self._in_use:
                        _log.warning("%s", error)
                    self._in_use = True
                    self._stopping.wait(_IN_USE_SECONDS)
                else:
                    self._has_taken_over = True
        return False
