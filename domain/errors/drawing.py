"""The device, and the drawing itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.errors.base import DomainError

__all__ = ["DeviceLost", "DeviceUnavailable", "GenerationFailed", "OutOfMemory"]


@dataclass(eq=False)
class OutOfMemory(DomainError):
    """The picture does not fit in the memory of the device.

    Attributes:
        doing: What did not fit, such as `drawing` or `loading model.safetensors`.
        device: The name of the device; empty where that is not known.
        tiling_helps: Whether it would fit if the picture were decoded tile by tile, which the
            operator has switched off.
    """

    doing: str
    device: str = ""
    tiling_helps: bool = False

    code = "out_of_memory"

    def __str__(self) -> str:
        return f"{self.doing} does not fit the memory of {self.device or 'the device'}"


@dataclass(eq=False)
class GenerationFailed(DomainError):
    """The device or the model failed while drawing.

    Attributes:
        reason: What failed.
        overflowed: The precision whose range the numbers of the picture left, such as `float16`;
            empty where that is not why.
    """

    reason: str
    overflowed: str = ""

    code = "generation_failed"

    def __str__(self) -> str:
        return self.reason


class DeviceLost(GenerationFailed):
    """The device failed for good. The service ends itself, so that it can be restarted."""

    code = "device_lost"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


@dataclass(eq=False)
class DeviceUnavailable(DomainError):
    """The device that was asked for is not there, or cannot do what the operator asks of it.

    Attributes:
        reason: Why.
        available: The devices that are there; empty where another device would not help.
        options: The operator's choices that the reason names, such as `offload`.
    """

    reason: str
    available: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    code = "device_unavailable"

    def named(self, name_of: Callable[[str], str]) -> str:
        """The sentence, with the name that `name_of` gives each option."""
        if not self.options:
            return str(self)
        names = "|".join(self.options)
        return re.sub(rf"\b(?:{names})\b", lambda found: name_of(found[0]), str(self))

    def __str__(self) -> str:
        there = f"; there are: {', '.join(self.available)}" if self.available else ""
        return f"{self.reason}{there}"
