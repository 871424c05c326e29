"""Reads the facts of a device from torch and from the system."""

import contextlib
import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from adapters.diffusion.devices.plan import DeviceFacts, usable_cores
from application.settings.plan_overrides import AUTO
from domain.errors import DeviceUnavailable

__all__ = ["host_memory", "probe"]

# Names in torch.cpu.get_capabilities() of instructions that multiply bfloat16 in hardware.
_CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
# Without the second, torch's fused attention computes in float32 on a processor with the first
# (`could_pack` in ATen's CPUBlas.cpp).
_VECTORS, _TILES = "avx512_bf16", "amx_bf16"
_CPU_INT8 = ("avx512_vnni", "avx_vnni", "amx_int8")
"""Without these OpenVINO's sums of 8-bit products overflow 16 bits."""
_CUDA_BFLOAT16 = (8, 0)
"""The first compute capability with it."""
# Of the two versions of Linux's control groups. A container sees its own group as the root; under
# systemd, or a batch system, a process is in a group below it, and each above it has its say too.
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_MEMORY, _MEMORY_1 = "memory.max", "memory/memory.limit_in_bytes"
_CPU, _CPU_1 = "cpu.max", ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")


def probe(device: str = AUTO) -> DeviceFacts:
    """The facts of a device; of the best there is for `auto`.

    Raises:
        DeviceUnavailable: it is not there; the message lists what is.
    """
    chosen = torch.device(_best_device() if device == AUTO else device)
    if not _is_there(chosen):
        raise DeviceUnavailable(
            f"device is {device!r}, which this machine or this build of torch "
            f"{torch.__version__} does not have",
            available=tuple(
                name for name in ("cuda", "mps", "cpu") if _is_there(torch.device(name))
            ),
            options=("device",),
        )
    look = {"cuda": _cuda, "mps": _mps, "cpu": _cpu}[chosen.type]
    name, memory_bytes, bfloat16, compiler = look(chosen)
    capabilities = _cpu_capabilities() if chosen.type == "cpu" else {}
    return DeviceFacts(
        device=str(chosen),
        name=name,
        memory_bytes=memory_bytes,
        bfloat16=bfloat16,
        cores=_cores(),
        compiler=compiler,
        fused_bfloat16=bool(capabilities.get(_TILES) or not capabilities.get(_VECTORS)),
        openvino=importlib.util.find_spec("openvino") is not None,
        int8=any(map(capabilities.get, _CPU_INT8)),
    )


def host_memory() -> int:
    """Bytes that this process may use at most: what the machine has, or its container may take."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in (*(group / _MEMORY for group in _groups()), _GROUPS / _MEMORY_1):
        with contextlib.suppress(OSError, ValueError):  # the file says "max" where there is none
            limits.append(int(path.read_text()))
    return min(limits)


def _groups() -> Iterator[Path]:
    """The folders of this process's control group, version 2, and of those above it."""
    own = ""
    with contextlib.suppress(OSError):
        for line in _OWN_GROUP.read_text().splitlines():
            if line.startswith("0::/"):
                own = line.removeprefix("0::/")
    folder = _GROUPS / own
    yield folder
    while folder != _GROUPS and _GROUPS in folder.parents:
        folder = folder.parent
        yield folder


def _cuda(device: torch.device) -> tuple[str, int, bool, bool]:
    found = torch.cuda.get_device_properties(device)
    bfloat16 = (found.major, found.minor) >= _CUDA_BFLOAT16
    has_triton = importlib.util.find_spec("triton") is not None
    compiler = has_triton and _finds("gcc", "clang", "cc")
    return found.name, found.total_memory, bfloat16, compiler


def _mps(_device: torch.device) -> tuple[str, int, bool, bool]:
    return platform.processor() or "Apple", host_memory(), False, False


def _cpu(_device: torch.device) -> tuple[str, int, bool, bool]:
    capabilities = _cpu_capabilities()
    bfloat16 = any(capabilities.get(name) for name in _CPU_BFLOAT16)
    return _cpu_name(), host_memory(), bfloat16, _finds("g++", "clang++", "c++")


def _cpu_capabilities() -> dict[str, object]:
    found: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return found


def _finds(*programs: str) -> bool:
    return any(map(shutil.which, programs))


def _cpu_name() -> str:
    with contextlib.suppress(OSError):  # of Linux alone
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    # torch has one for each thread of a core, or as many as OMP_NUM_THREADS says.
    most = max(1, torch.get_num_threads())
    if not hasattr(os, "sched_getaffinity"):
        return most
    return min(most, usable_cores(os.sched_getaffinity(0), _core, _quota()))


def _core(cpu: int) -> object:
    folder = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
    try:
        return tuple((folder / name).read_text() for name in ("physical_package_id", "core_id"))
    except OSError:
        return cpu


def _quota() -> float | None:
    quotas = []
    for group in _groups():
        with contextlib.suppress(OSError, ValueError):  # the quota is "max" where there is none
            quota, period = map(int, (group / _CPU).read_text().split())
            quotas.append(quota / period)
    with contextlib.suppress(OSError, ValueError):
        quota, period = (int((_GROUPS / path).read_text()) for path in _CPU_1)
        quotas += [quota / period] if quota > 0 else []
    return min(quotas, default=None)


def _best_device() -> str:
    return next(name for name in ("cuda", "mps", "cpu") if _is_there(torch.device(name)))


def _is_there(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"
