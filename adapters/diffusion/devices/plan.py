"""Decides how a machine draws, from its facts. Nothing here looks at the machine."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from adapters.diffusion.devices.execution_plan import ExecutionPlan
from application.settings.plan_overrides import AUTO, PlanOverrides
from domain.errors import DeviceUnavailable

__all__ = ["DeviceFacts", "choose_offload", "choose_plan", "usable_cores"]

# The most images that are tried together; drawing shows how many fit. On a CPU a batch saves no
# time, and an image that is drawn by itself is the same to the last bit alone and among others.
_BATCH_LIMITS = {"cpu": 1, "mps": 4, "cuda": 8}
# Below this much memory, the page of diffusers on Apple silicon says to slice attention
# (docs/source/en/optimization/mps.md).
_SLICED_BELOW = 64 * 2**30
_WEIGHTS_SHARE = 0.8
"""The share of a device's memory that weights may take. Drawing needs the rest."""
_OPTIONS = (
    *("backend", "dtype", "vae_dtype", "quantization", "memory_format", "attention", "offload"),
    "compile",
)
"""What an operator may choose, as the reasons below call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """What a device is and has, as far as its plan depends on it.

    Attributes:
        device: `cpu`, `mps`, `cuda` or `cuda:<number>`.
        name: The processor's own name.
        memory_bytes: The device's memory, or the part of it that a container may use.
        bfloat16: Whether it multiplies bfloat16 in hardware.
        fused_bfloat16: Whether torch's fused attention does so too.
        cores: Physical cores that this process may use.
        compiler: Whether torch can compile for the device.
        openvino: Whether that extra is installed.
        int8: Whether it multiplies 8-bit integers in hardware, and sums them in 32 bits.
    """

    device: str
    name: str
    memory_bytes: int
    bfloat16: bool
    cores: int
    compiler: bool
    fused_bfloat16: bool = True
    openvino: bool = False
    int8: bool = False

    @property
    def kind(self) -> str:
        """`cpu`, `mps` or `cuda`."""
        return self.device.partition(":")[0]


def choose_plan(facts: DeviceFacts, overrides: PlanOverrides) -> ExecutionPlan:
    """The best plan for a device that respects every override.

    Raises:
        DeviceUnavailable: the device cannot do what an override asks; `options` names it.
    """
    if problems := list(_problems(facts, overrides)):
        reason = "; ".join(problems)
        named = tuple(option for option in _OPTIONS if re.search(rf"\b{option}\b", reason))
        raise DeviceUnavailable(reason, options=named)
    dtype = _or(overrides.dtype, _precision(facts))
    vae_dtype = _or(overrides.vae_dtype, dtype)
    wide = "bfloat16" if facts.bfloat16 else "float32"
    backend = _backend(overrides)
    is_mps = facts.kind == "mps"
    return ExecutionPlan(
        device=facts.device,
        device_name=facts.name,
        memory_bytes=facts.memory_bytes,
        backend=backend,
        dtype=dtype,
        dtype_of_others=_or(overrides.dtype, "bfloat16" if facts.bfloat16 else dtype),
        vae_dtype=vae_dtype,
        vae_dtype_of_wide_range=_or(
            overrides.vae_dtype, wide if vae_dtype == "float16" else vae_dtype
        ),
        quantization=_or(overrides.quantization, "none"),
        # Metal computes wrong numbers with views of channels-last tensors.
        memory_format=_or(overrides.memory_format, "contiguous" if is_mps else "channels_last"),
        attention=_or(
            overrides.attention, _attention(facts, dtype, eager=_is_eager(backend, overrides))
        ),
        vae_tiling=overrides.vae_tiling,
        offload=overrides.offload if facts.kind == "cuda" else "none",
        compiled=overrides.compile,
        threads=overrides.threads or (facts.cores if facts.kind == "cpu" else None),
        batch_limit=overrides.max_batch or _BATCH_LIMITS[facts.kind],
    )


def choose_offload(wanted: str, parts: Mapping[str, int], memory_bytes: int) -> str:
    """Whether weights wait in the host's memory: `none` or `model`.

    Args:
        wanted: What the plan says; with `auto`, as much as possible stays on the device.
        parts: Bytes of each network of a model.
        memory_bytes: The memory of the device.
    """
    if wanted != AUTO:
        return wanted
    return "none" if sum(parts.values()) <= _WEIGHTS_SHARE * memory_bytes else "model"


def usable_cores(cpus: Iterable[int], core_of: Callable[[int], object], quota: float | None) -> int:
    """Physical cores among `cpus`, but no more than the quota allows; at least one.

    Two threads of one core share its multipliers, so a second thread makes nothing faster.

    Args:
        cpus: The cpus that the process may run on.
        core_of: The core that a cpu belongs to.
        quota: Seconds of CPU time in a second; None if there is no bound.
    """
    cores = len({core_of(cpu) for cpu in cpus})
    return max(1, cores if quota is None else min(cores, int(quota)))


def _or(wanted: str, best: str) -> str:
    return best if wanted == AUTO else wanted


def _backend(wanted: PlanOverrides) -> str:
    return _or(wanted.backend, "openvino" if wanted.quantization == "int8" else "torch")


def _precision(facts: DeviceFacts) -> str:
    if facts.kind != "cpu":
        return "float16"
    return "bfloat16" if facts.bfloat16 else "float32"


def _attention(facts: DeviceFacts, dtype: str, *, eager: bool) -> str:
    if facts.kind == "mps" and facts.memory_bytes < _SLICED_BELOW:
        return "sliced"
    if facts.kind == "cpu" and dtype == "bfloat16" and not facts.fused_bfloat16 and eager:
        return "chunked"
    return "sdpa"


def _is_eager(backend: str, wanted: PlanOverrides) -> bool:
    """Whether networks run as they are written, so that a loop over chunks stays a loop."""
    return backend == "torch" and not wanted.compile


def _problems(facts: DeviceFacts, wanted: PlanOverrides) -> Iterator[str]:
    if wanted.quantization == "int8" and facts.kind == "cpu" and not facts.int8:
        yield (
            f"quantization is int8, for which {facts.name} has no instructions (VNNI or AMX); "
            "leave it out"
        )
    if wanted.quantization == "int8" and wanted.backend == "torch":
        yield "quantization is int8, which OpenVINO computes, and backend is torch; leave one out"
    if wanted.quantization == "int8" or wanted.backend == "openvino":
        yield from _problems_of_openvino(facts, wanted)
    if wanted.offload == "model":
        if facts.kind != "cuda":
            yield f"offload is model, which is for CUDA; leave it out on {facts.device}"
        if wanted.compile:
            yield "offload is model and compile is true; choose one of the two"
    if wanted.attention == "chunked" and facts.kind != "cpu":
        yield f"attention is chunked, which is for CPUs; leave it out on {facts.device}"
    elif wanted.attention == "chunked" and wanted.compile:
        yield "attention is chunked and compile is true; choose one of the two"
    if wanted.memory_format == "channels_last" and facts.kind == "mps":
        yield "memory_format is channels_last, with which Metal draws wrongly; leave it out"
    if wanted.compile:
        if facts.kind == "mps":
            yield "compile is true, which is for CUDA and CPUs; leave it out on mps"
        elif not facts.compiler:
            needs = "g++ or clang++" if facts.kind == "cpu" else "triton and gcc or clang"
            yield (
                f"compile is true, for which torch needs {needs}, and they are not there; "
                "install them or leave compile out"
            )


def _problems_of_openvino(facts: DeviceFacts, wanted: PlanOverrides) -> Iterator[str]:
    asks = [
        f"{setting} is {value}"
        for setting, value in (("backend", wanted.backend), ("quantization", wanted.quantization))
        if value in ("openvino", "int8")
    ]
    asked, it = " and ".join(asks), "both" if len(asks) > 1 else "it"
    if facts.kind != "cpu":
        yield f"{asked}, for CPUs alone; leave {it} out on {facts.device}"
    if not facts.openvino:
        yield (
            f"{asked}, and OpenVINO is not installed; install the extra openvino, or leave {it} out"
        )
    if "float16" in (wanted.dtype, wanted.vae_dtype):
        yield f"{asked}, and OpenVINO draws in float32 or bfloat16; dtype and vae_dtype say which"
    if wanted.compile:
        yield f"{asked}, and compile is true, which is for torch; leave one out"
    if wanted.attention == "chunked":
        yield f"{asked}, and attention is chunked, which is for torch; leave one out"
