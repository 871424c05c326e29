"""What torch raises, in the domain's terms."""

import gc
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from adapters.diffusion.device import Device
from domain.errors import DomainError, GenerationFailed, OutOfMemory

__all__ = ["brief", "is_out_of_memory", "translated_errors"]

# The CPU's and Metal's allocators raise a plain RuntimeError; this is what theirs say.
_MEMORY_WORDS = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
)
# What a library raises of a model that it can not draw with.
_LIBRARY_ERRORS = (
    *(RuntimeError, ValueError, TypeError, AttributeError, LookupError),
    *(ArithmeticError, AssertionError, ImportError),
)
_PATH = re.compile(r"(?<![\w.])/[^\s'\"]+")


@contextmanager
def translated_errors(device: Device, doing: str) -> Iterator[None]:
    """Turn errors of torch and its family into domain errors; give memory back if it was short.

    Raises:
        OutOfMemory: the device, or the host, has not enough.
        GenerationFailed: one of them failed for another reason.
    """
    try:
        yield
    except DomainError:
        raise
    except (MemoryError, torch.OutOfMemoryError, *_LIBRARY_ERRORS) as error:
        if not is_out_of_memory(error):
            raise GenerationFailed(f"{doing} failed: {brief(error)}") from error
        # The frames that the error points to still hold the tensors that did not fit.
        traceback.clear_frames(error.__traceback__)
        gc.collect()
        device.release_memory()
        raise OutOfMemory(
            f"{doing} does not fit the memory of {device.name}; "
            "ask for a smaller width and height or fewer images"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(word in str(error).lower() for word in _MEMORY_WORDS)


def brief(error: BaseException) -> str:
    """The first line of what a library says, at most 200 characters, without paths."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return _PATH.sub("…", line)[:200]
