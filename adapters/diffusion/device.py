"""Which device draws, and in which precision."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from domain.errors import DeviceUnavailable
from domain.ports.device_usage import DeviceMemory

__all__ = ["Device", "find_device"]

# Names in torch.cpu.get_capabilities() of instructions that multiply bfloat16 in hardware.
_CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
# The most that is tried; what fits is found out by drawing.
_BATCH_LIMITS = {"cpu": 1, "mps": 4, "cuda": 8}
_GPU_SHARE = 0.7
_HOST_SHARE = 0.5
# Of the two versions of Linux's control groups.
_CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device, the precision it draws in, and how many images it may draw at once."""

    torch_device: torch.device
    dtype: torch.dtype
    batch_limit: int

    @property
    def name(self) -> str:
        """`cuda`, `mps` or `cpu`."""
        return self.torch_device.type

    @property
    def memory_format(self) -> torch.memory_format:
        """How convolutions are fastest; on Metal views of channels-last tensors came out wrong."""
        return torch.contiguous_format if self.name == "mps" else torch.channels_last

    def cache_bytes(self) -> int:
        """How many bytes of weights may stay loaded; the rest is for drawing, and for others."""
        if self.name == "cuda":
            return int(_GPU_SHARE * torch.cuda.mem_get_info(self.torch_device)[1])
        if self.name == "mps":
            return int(_GPU_SHARE * torch.mps.recommended_max_memory())
        return int(_HOST_SHARE * _host_memory())

    def memory(self) -> DeviceMemory | None:
        """Its own memory; None for a CPU, which has none. Waits for nothing that it computes."""
        # After some errors a GPU answers nothing more; whoever counts bytes need not fail too.
        with contextlib.suppress(RuntimeError):
            if self.name == "cuda":
                free, total = torch.cuda.mem_get_info(self.torch_device)
                return DeviceMemory(used=total - free, total=total)
            if self.name == "mps":
                total = torch.mps.recommended_max_memory()
                return DeviceMemory(used=torch.mps.driver_allocated_memory(), total=total)
        return None

    def release_memory(self) -> None:
        """Give memory that nothing uses back to the system."""
        if self.name == "cuda":
            torch.cuda.empty_cache()
        elif self.name == "mps":
            torch.mps.empty_cache()


def find_device(device: str = "auto", dtype: str = "auto") -> Device:
    """The device and precision that the settings name, or the best there are for `auto`.

    Args:
        device: `auto`, `cpu`, `mps`, `cuda` or `cuda:<number>`.
        dtype: `auto`, `float32`, `float16` or `bfloat16`.

    Raises:
        DeviceUnavailable: the named device is not there; the message lists what is.
    """
    chosen = torch.device(_best_device() if device == "auto" else device)
    if not _is_there(chosen):
        there = ", ".join(name for name in ("cuda", "mps", "cpu") if _is_there(torch.device(name)))
        raise DeviceUnavailable(
            f"DEVICE is {device!r}, which this machine or this build of torch "
            f"{torch.__version__} does not have; there are: {there}. DEVICE=auto takes the best"
        )
    precision = _best_dtype(chosen) if dtype == "auto" else getattr(torch, dtype)
    # On a CPU a batch saves no time, and one by one an image is the same to the last bit alone
    # and among others.
    return Device(chosen, precision, batch_limit=_BATCH_LIMITS[chosen.type])


def _host_memory() -> int:
    """Bytes that this process may use at most: what the machine has, or its container may take."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # the file says "max" where there is none
            limits.append(int(Path(path).read_text()))
    return min(limits)


def _best_device() -> str:
    return next(name for name in ("cuda", "mps", "cpu") if _is_there(torch.device(name)))


def _is_there(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def _best_dtype(device: torch.device) -> torch.dtype:
    if device.type != "cpu":
        return torch.float16
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    in_hardware = any(capabilities.get(name) for name in _CPU_BFLOAT16)
    return torch.bfloat16 if in_hardware else torch.float32
