"""The device that draws, with its plan."""

import contextlib
from dataclasses import dataclass

import torch

from adapters.diffusion.devices.execution_plan import ExecutionPlan
from adapters.diffusion.devices.plan import choose_plan
from adapters.diffusion.devices.probe import host_memory, probe
from application.settings.plan_overrides import AUTO, PlanOverrides
from domain.ports.device_report import DeviceMemory

__all__ = ["Device", "find_device", "planned_device"]

_GPU_SHARE = 0.7
_HOST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Device:
    """A device and its plan, in the terms of torch."""

    plan: ExecutionPlan

    @property
    def torch_device(self) -> torch.device:
        """Where the tensors are."""
        return torch.device(self.plan.device)

    @property
    def dtype(self) -> torch.dtype:
        """The precision that Stable Diffusion 1, 2 and XL are drawn in."""
        return _dtype(self.plan.dtype)

    @property
    def dtype_of_others(self) -> torch.dtype:
        """The precision that every other pipeline is drawn in."""
        return _dtype(self.plan.dtype_of_others)

    @property
    def name(self) -> str:
        """`cuda`, `mps` or `cpu`."""
        return self.torch_device.type

    @property
    def memory_format(self) -> torch.memory_format:
        """The order of a convolution's numbers in memory."""
        is_plain = self.plan.memory_format == "contiguous"
        return torch.contiguous_format if is_plain else torch.channels_last

    def vae_dtype(self, *, wide_range: bool) -> torch.dtype:
        """The precision of an autoencoder; `wide_range`: its numbers are too large for float16."""
        plan = self.plan
        return _dtype(plan.vae_dtype_of_wide_range if wide_range else plan.vae_dtype)

    def cache_bytes(self) -> int:
        """How many bytes of weights may stay loaded. Drawing and other programs need the rest."""
        if self.name == "cuda":
            return int(_GPU_SHARE * torch.cuda.mem_get_info(self.torch_device)[1])
        if self.name == "mps":
            return int(_GPU_SHARE * torch.mps.recommended_max_memory())
        return int(_HOST_SHARE * host_memory())

    def memory(self) -> DeviceMemory | None:
        """Its own memory; None for a CPU, which has none. Does not wait for its computations."""
        # After some errors a GPU does not answer any more. A count of bytes need not fail then.
        with contextlib.suppress(RuntimeError):
            if self.name == "cuda":
                free, total = torch.cuda.mem_get_info(self.torch_device)
                return DeviceMemory(used=total - free, total=total)
            if self.name == "mps":
                total = torch.mps.recommended_max_memory()
                return DeviceMemory(used=torch.mps.driver_allocated_memory(), total=total)
        return None

    def release_memory(self) -> None:
        """Give unused memory back to the system."""
        if self.name == "cuda":
            torch.cuda.empty_cache()
        elif self.name == "mps":
            torch.mps.empty_cache()

    def configure_torch(self) -> None:
        """Set the options that torch has once in a process, for the thread that draws."""
        if self.plan.threads is not None:
            torch.set_num_threads(self.plan.threads)


def planned_device(overrides: PlanOverrides) -> Device:
    """The device, with the best plan that respects the overrides.

    Raises:
        DeviceUnavailable: it is not there, or cannot do what an override asks; the message says
            what.
    """
    return Device(choose_plan(probe(overrides.device), overrides))


def find_device(device: str = AUTO, dtype: str = AUTO) -> Device:
    """As `planned_device`, with these overrides alone."""
    return planned_device(PlanOverrides(device=device, dtype=dtype))


def _dtype(name: str) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, name)
    return dtype
