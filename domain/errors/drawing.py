"""Errors of the device and of drawing."""

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
        device: The name of the device; empty if it is not known.
        tiling_helps: Whether the picture would fit if it were decoded tile by tile. The operator
            has disabled that.
        needed: The bytes that the weights of a model need; 0 if they are not the reason.
        limit: The bytes that weights may take on the device.
    """

    doing: str
    device: str = ""
    tiling_helps: bool = False
    needed: int = 0
    limit: int = 0

    code = "out_of_memory"

    def __str__(self) -> str:
        said = f"{self.doing} does not fit the memory of {self.device or 'the device'}"
        if not self.needed:
            return said
        return (
            f"{said}: its weights need {self.needed / 1e9:.1f} GB, and weights may take "
            f"{self.limit / 1e9:.1f} GB"
        )

    @property
    def is_of_the_model(self) -> bool:
        """Whether no picture of the model fits, however small."""
        return self.needed > 0


@dataclass(eq=False)
class GenerationFailed(DomainError):
    """The device or the model failed while drawing.

    Attributes:
        reason: What failed.
        overflowed: The precision whose range the numbers of the picture left, such as `float16`;
            empty if the cause is another.
    """

    reason: str
    overflowed: str = ""

    code = "generation_failed"

    def __str__(self) -> str:
        return self.reason


class DeviceLost(GenerationFailed):
    """The device failed permanently. The service stops, so that it can be restarted."""

    code = "device_lost"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


@dataclass(eq=False)
class DeviceUnavailable(DomainError):
    """The configured device is not there, or does not support the configured options.

    Attributes:
        reason: Why.
        available: The devices that are there; empty if another device would not help.
        options: The configured options that the reason names, such as `offload`.
    """

    reason: str
    available: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    code = "device_unavailable"

    def named(self, name_of: Callable[[str], str]) -> str:
        """Return the sentence. `name_of` returns the name of each option."""
        if not self.options:
            return str(self)
        names = "|".join(self.options)
        return re.sub(rf"\b(?:{names})\b", lambda found: name_of(found[0]), str(self))

    def __str__(self) -> str:
        there = f"; there are: {', '.join(self.available)}" if self.available else ""
        return f"{self.reason}{there}"
