"""The device, and the drawing itself."""

from domain.errors.base import DomainError

__all__ = ["DeviceLost", "DeviceUnavailable", "GenerationFailed", "OutOfMemory"]


class OutOfMemory(DomainError):
    """The picture does not fit in the memory of the device."""

    code = "out_of_memory"


class GenerationFailed(DomainError):
    """The device or the model failed while drawing."""

    code = "generation_failed"


class DeviceLost(GenerationFailed):
    """The device failed for good. The service ends itself, so that it can be restarted."""

    code = "device_lost"


class DeviceUnavailable(DomainError):
    """The device that `DEVICE` names is not there."""

    code = "device_unavailable"
