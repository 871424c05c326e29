"""How pictures are drawn on this machine, and what its owner wants otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import ClassVar

__all__ = ["AUTO", "ExecutionPlan", "LoadedModel", "PlanOverrides"]

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOverrides:
    """What is to be so and not otherwise; `auto` and None leave it to the plan.

    Attributes:
        device: `auto`, `cpu`, `mps`, `cuda` or `cuda:<number>`.
        dtype: In which precision is drawn.
        vae_dtype: In which precision latents become pixels.
        quantization: What the UNet's large layers are multiplied in, where not in its precision.
        backend: What runs the networks.
        memory_format: How the numbers of convolutions lie in memory.
        attention: Fused, or over a chunk of the queries at a time, or one slice of the heads after
            the other, which needs less memory.
        vae_tiling: Whether latents become pixels tile by tile, which needs less memory and changes
            the picture a little; `auto` does so with what does not fit as a whole.
        offload: Whether networks wait in the host's memory for their turn; `auto` does so with a
            model that does not fit the device.
        compiled: Whether torch compiles the networks.
        threads: Of the CPU.
        max_batch: Images that are drawn together at most.
    """

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {
            "dtype": (AUTO, "float32", "float16", "bfloat16"),
            "vae_dtype": (AUTO, "float32", "float16", "bfloat16"),
            "quantization": (AUTO, "none", "int8"),
            "backend": (AUTO, "torch", "openvino"),
            "memory_format": (AUTO, "channels_last", "contiguous"),
            "attention": (AUTO, "sdpa", "chunked", "sliced"),
            "vae_tiling": (AUTO, "on", "off"),
            "offload": (AUTO, "none", "model"),
        }
    )
    """The words that each of these may be."""

    device: str = AUTO
    dtype: str = AUTO
    vae_dtype: str = AUTO
    quantization: str = AUTO
    backend: str = AUTO
    memory_format: str = AUTO
    attention: str = AUTO
    vae_tiling: str = AUTO
    offload: str = AUTO
    compiled: bool = False
    threads: int | None = None
    max_batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPlan:
    """How every picture is drawn, from the start of the process to its end.

    Attributes:
        device: `cpu`, `mps`, `cuda` or `cuda:<number>`.
        device_name: The processor's own name.
        memory_bytes: That the device has, of which a container may allow less.
        backend: What runs the networks: `torch`, or `openvino` those that it can.
        dtype: In which precision is drawn.
        dtype_of_others: The same for the pipelines that are none of Stable Diffusion 1, 2 and
            XL: their networks were trained in bfloat16, and many overflow float16.
        vae_dtype: In which precision latents become pixels.
        vae_dtype_of_wide_range: The same for autoencoders whose numbers are too large for float16.
        quantization: What the UNet's large layers are multiplied in: `int8`, or `none` for the
            precision of the rest.
        memory_format: `channels_last` or `contiguous`.
        attention: `sdpa`, `chunked` or `sliced`.
        vae_tiling: `on`, `off`, or `auto`: with what does not fit as a whole.
        offload: `none`, `model`, or `auto`: with a model that does not fit.
        compiled: Whether torch compiles the networks.
        threads: Of the CPU; None where another device draws.
        batch_limit: Images that are drawn together at most.
    """

    device: str
    device_name: str
    memory_bytes: int
    backend: str
    dtype: str
    dtype_of_others: str
    vae_dtype: str
    vae_dtype_of_wide_range: str
    quantization: str
    memory_format: str
    attention: str
    vae_tiling: str
    offload: str
    compiled: bool
    threads: int | None
    batch_limit: int

    def __str__(self) -> str:
        return ", ".join(f"{row.name}={getattr(self, row.name)}" for row in fields(self))


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to draw with; `size` is the bytes of its weights as they are loaded."""

    id: str
    size: int
