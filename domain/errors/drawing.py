"""The device, and the drawing itself."""

from domain.errors.base import DomainError

__all__ = ["DeviceLost", "DeviceUnavailable", "GenerationFailed", "OutOfMemory"]


class OutOfMemory(DomainError):
    """The picture does not fit the device's memory."""

    code = "out_of_memory"


class GenerationFailed(DomainError):
    """The device or the model failed while drawing."""

    code = "generation_failed"


class DeviceLost(GenerationFailed):
    """The device takes no more work from this process; another process may use it."""

    code = "device_lost"


class DeviceUnavailable(DomainError):
    """The device that the configuration asks for is not there."""

    code = "device_unavailable"
