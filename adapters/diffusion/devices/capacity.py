"""How much memory weights need, and how much they may take. Nothing here imports torch."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.diffusion.devices.execution_plan import ExecutionPlan

__all__ = ["weight_bytes", "weight_limit"]

_BYTES: Mapping[str, int] = MappingProxyType({"float16": 2, "bfloat16": 2, "float32": 4})
_SHARE = 0.9
"""The share of a memory that the weights of one model may take. The rest is for the program, and
for the numbers of the smallest picture."""


def weight_bytes(plan: ExecutionPlan, parameters: int, *, is_narrow: bool) -> int:
    """Return the bytes of a model's weights in the precision of the plan.

    Args:
        plan: How the device draws.
        parameters: The numbers of the model's networks.
        is_narrow: Whether it is a Stable Diffusion 1, 2 or XL, which has a precision of its own.
    """
    if is_narrow and plan.quantization == "int8":
        return parameters
    return parameters * _BYTES[plan.dtype if is_narrow else plan.dtype_of_others]


def weight_limit(plan: ExecutionPlan, host_bytes: int) -> int:
    """Return the bytes that the weights of one model may take.

    Args:
        plan: How the device draws. Where its networks may wait in the host's memory, that memory
            can hold all of them.
        host_bytes: The memory of the host.
    """
    memory = plan.memory_bytes
    return int(_SHARE * (memory if plan.offload == "none" else max(memory, host_bytes)))
