"""Which device draws, and in which precision."""

from dataclasses import dataclass

import torch

from domain.errors import DeviceUnavailable

__all__ = ["Device", "find_device"]

# Names in torch.cpu.get_capabilities() of instructions that multiply bfloat16 in hardware.
_CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")


@dataclass(frozen=True, slots=True)
class Device:
    """A device, the precision it draws in, and how many images it draws at once."""

    torch_device: torch.device
    dtype: torch.dtype
    batch_limit: int

    @property
    def name(self) -> str:
        """`cuda`, `mps` or `cpu`."""
        return self.torch_device.type

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
    return Device(chosen, precision, batch_limit=1 if chosen.type == "cpu" else 4)


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
