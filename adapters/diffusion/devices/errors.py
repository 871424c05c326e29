"""Translates the errors of torch into errors of the domain."""

import ctypes
import gc
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from domain.errors import DeviceLost, DomainError, GenerationFailed, OutOfMemory

__all__ = [
    "brief",
    "give_memory_back",
    "is_device_lost",
    "is_out_of_memory",
    "is_permanent",
    "translated_errors",
    "trim_heap",
]

# The allocators of the CPU and of Metal, cuBLAS and cuDNN raise a plain RuntimeError with one of
# these texts. cuDNN says "not supported" if it finds no room to work in, as accelerate also has it
# in `should_reduce_batch_size`.
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
# of cudaError_t says: each further call fails too. HIP has the same texts.
_LOST = re.compile(
    r"(cuda|hip) error: .*(an illegal memory access|device-side assert|unspecified launch failure"
    r"|an illegal instruction|misaligned address|invalid program counter|hardware stack error"
    r"|operation not supported on global/shared address space|the launch timed out"
    r"|uncorrectable ecc error|uncorrectable nvlink error)",
    re.IGNORECASE,
)
_TRANSIENT = re.compile(
    r"\b(cuda|hip|mps)\b|cublas|cudnn|can't start new thread|too many open files", re.IGNORECASE
)
_PATH = re.compile(r"(?<![\w.])/[^\s'\"]+")


@contextmanager
def translated_errors(
    device: Device, doing: str, watcher: GuardedWatcher | None = None
) -> Iterator[None]:
    """Turn whatever a library raises into a domain error, and give memory back if it was short.

    This holds for exceptions that are not an `Exception` too: the panic of a library in Rust, and
    `SystemExit`. What `watcher` raised comes out as it is, and so does Ctrl-C in the main thread.

    Raises:
        OutOfMemory: the device or the host has not enough memory.
        DeviceLost: this process cannot use the device any more.
        GenerationFailed: it failed for another reason.
    """
    try:
        yield
    except BaseException as error:
        # The frames that an error points to still hold the tensors of what failed.
        for each in _causes(error):
            traceback.clear_frames(each.__traceback__)
        if watcher is not None and watcher.raised is not None:
            if error is watcher.raised:
                raise
            raise watcher.raised from None
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
    """Give memory that nothing refers to back to the device and to the system."""
    gc.collect()
    device.release_memory()
    trim_heap()


def trim_heap() -> None:
    """Give freed memory to the system: glibc keeps blocks of up to 32 MiB for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _is_of_this_process(error: BaseException) -> bool:
    """Whether an error ends the process or a Python generator, so that no library is to blame.

    Python raises Ctrl-C and the end of the process in the main thread alone.
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
    """Whether an error, or one that led to it, says that the process has lost its GPU."""
    return any(_LOST.search(str(each)) for each in _causes(error) if isinstance(each, RuntimeError))


def is_permanent(error: BaseException) -> bool:
    """Whether a file whose load raised this error can never be loaded.

    False for a transient error: of memory, of a disk, of a device or of threads.
    """
    return not any(
        isinstance(each, OSError) or is_out_of_memory(each) or _TRANSIENT.search(str(each))
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
