"""What torch raises, in the domain's terms."""

import ctypes
import gc
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from adapters.diffusion.devices.device import Device
from domain.errors import DeviceLost, DomainError, GenerationFailed, OutOfMemory
from domain.ports.image_generator import GenerationStep, LoadCallback, StepCallback

__all__ = [
    "Callbacks",
    "brief",
    "give_memory_back",
    "is_device_lost",
    "is_of_the_bytes",
    "is_out_of_memory",
    "translated_errors",
    "trim_heap",
]

# The CPU's and Metal's allocators, cuBLAS and cuDNN raise a plain RuntimeError; this is what theirs
# say. cuDNN calls it not supported when it finds no room to work in, as `should_reduce_batch_size`
# of accelerate knows too.
_MEMORY_WORDS = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "invalid buffer size",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cudnn_status_not_supported",
)
# After these errors of CUDA «the process must be terminated and relaunched», as the documentation
# of cudaError_t has it: each further call fails likewise. HIP took over its words.
_LOST = re.compile(
    r"(cuda|hip) error: .*(an illegal memory access|device-side assert|unspecified launch failure"
    r"|an illegal instruction|misaligned address|invalid program counter|hardware stack error"
    r"|operation not supported on global/shared address space|the launch timed out"
    r"|uncorrectable ecc error|uncorrectable nvlink error)",
    re.IGNORECASE,
)
_OF_THE_MOMENT = re.compile(
    r"\b(cuda|hip|mps)\b|cublas|cudnn|can't start new thread|too many open files", re.IGNORECASE
)
# What no callback raises to end a drawing, but by a fault in it.
_FAULTS = (
    *(RuntimeError, ValueError, TypeError, AttributeError, LookupError),
    *(ArithmeticError, AssertionError, ImportError, MemoryError),
)
_PATH = re.compile(r"(?<![\w.])/[^\s'\"]+")


class Callbacks:
    """Passes a caller's callbacks on to libraries, and knows what they raised.

    A library may wrap what a callback raises, or let it by; either way the callback's own error is
    what its caller meant to have. Errors that Python's own code raises are faults, not meant.
    """

    def __init__(self, on_step: StepCallback | None, on_load: LoadCallback | None) -> None:
        self._on_step = on_step
        self._on_load = on_load
        self.raised: BaseException | None = None

    def on_step(self, step: GenerationStep) -> None:
        """As `StepCallback`."""
        if self._on_step is not None:
            with self._noted():
                self._on_step(step)

    def on_load(self, loaded: bool = False) -> None:
        """As `LoadCallback`."""
        if self._on_load is not None:
            with self._noted():
                self._on_load(loaded)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not isinstance(error, _FAULTS):
                self.raised = error
            raise


@contextmanager
def translated_errors(
    device: Device, doing: str, callbacks: Callbacks | None = None
) -> Iterator[None]:
    """Turn whatever a library raises into a domain error; give memory back if it was short.

    That holds for what is no `Exception` too: a panic of a library in Rust, `SystemExit`. What a
    callback of the caller raised comes out as it is, and so does Ctrl-C in the main thread.

    Raises:
        OutOfMemory: the device, or the host, has not enough.
        DeviceLost: this process can use the device no more.
        GenerationFailed: one of them failed for another reason.
    """
    try:
        yield
    except BaseException as error:
        # The frames that an error points to still hold the tensors of what failed.
        for each in _causes(error):
            traceback.clear_frames(each.__traceback__)
        if callbacks is not None and callbacks.raised is not None:
            if error is callbacks.raised:
                raise
            raise callbacks.raised from None
        if isinstance(error, DomainError) or _is_of_this_process(error):
            raise
        if is_device_lost(error):
            raise DeviceLost(
                f"{doing} failed, and the device takes no more work from this process: "
                f"{brief(error)}"
            ) from error
        if not is_out_of_memory(error):
            raise GenerationFailed(f"{doing} failed: {brief(error)}") from error
        give_memory_back(device)
        raise OutOfMemory(doing, device.name) from error


def give_memory_back(device: Device) -> None:
    """Give memory that nothing refers to any more back to the device and to the system."""
    gc.collect()
    device.release_memory()
    trim_heap()


def trim_heap() -> None:
    """Give freed memory to the system: glibc keeps blocks of up to 32 MiB for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _is_of_this_process(error: BaseException) -> bool:
    """Whether it ends the process or a generator, and no library is to blame.

    Only the main thread has Ctrl-C and the end of the process raised into it.
    """
    if isinstance(error, GeneratorExit):
        return True
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and isinstance(error, KeyboardInterrupt | SystemExit)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(word in str(error).lower() for word in _MEMORY_WORDS)


def is_device_lost(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that the process can use its GPU no more."""
    return any(_LOST.search(str(each)) for each in _causes(error) if isinstance(each, RuntimeError))


def is_of_the_bytes(error: BaseException) -> bool:
    """Whether a file that could not be loaded with this error never will be: it is no matter of
    the moment, such as memory, a disk, a device or threads that can not be had.
    """
    return not any(
        isinstance(each, OSError) or is_out_of_memory(each) or _OF_THE_MOMENT.search(str(each))
        for each in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def brief(error: BaseException) -> str:
    """The first line of what a library says, at most 200 characters, without paths.

    It may repeat names out of a file, so what cannot be printed is escaped.
    """
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    shown = _PATH.sub("…", line)[:200]
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in shown)
