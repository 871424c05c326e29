"""How pictures are drawn on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

__all__ = ["ExecutionPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPlan:
    """How every picture is drawn, from the start of the process to its end.

    Attributes:
        device: `cpu`, `mps`, `cuda` or `cuda:<number>`.
        device_name: The processor's own name.
        memory_bytes: The device's memory, or the part of it that a container may use.
        backend: What runs the networks: `torch`, or `openvino` for those that it can run.
        dtype: The precision that pictures are drawn in.
        dtype_of_others: The same for pipelines other than Stable Diffusion 1, 2 and XL. Their
            networks were trained in bfloat16, and many overflow float16.
        vae_dtype: The precision that latents become pixels in.
        vae_dtype_of_wide_range: The same for autoencoders whose numbers are too large for float16.
        quantization: The precision of the UNet's large layers: `int8`, or `none` for that of the
            rest.
        memory_format: `channels_last` or `contiguous`.
        attention: `sdpa`, `chunked` or `sliced`.
        vae_tiling: `on`, `off`, or `auto`: if the whole does not fit.
        offload: `none`, `model`, or `auto`: with a model that does not fit the device.
        compiled: Whether torch compiles the networks.
        threads: Threads of the CPU; None if another device draws.
        batch_limit: The most images that are drawn together.
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

    @property
    def facts(self) -> Mapping[str, str | int | bool | None]:
        """Each attribute by its name."""
        return {row.name: getattr(self, row.name) for row in fields(self)}

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.facts.items())
