"""The operator's choices of how pictures are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import ClassVar

__all__ = ["AUTO", "PlanOverrides"]

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOverrides:
    """Settings that override the generator's own choice; `auto` and None leave it to the generator.

    This is the only list of them: `Settings` inherits it, and the generator takes it as it is.

    Attributes:
        device: `auto`, `cpu`, `mps`, `cuda` or `cuda:<number>`.
        dtype: The precision that pictures are drawn in.
        vae_dtype: The precision that latents become pixels in.
        quantization: The precision of the UNet's large layers, if it is another one.
        backend: The library that runs the networks.
        memory_format: The order of a convolution's numbers in memory.
        attention: Fused; over a chunk of the queries at a time; or over a slice of the heads at a
            time, which needs less memory.
        vae_tiling: Whether latents become pixels tile by tile, which needs less memory and changes
            the picture a little. `auto` does it if the whole does not fit.
        offload: Whether networks wait in the host's memory for their turn. `auto` does it with a
            model that does not fit the device.
        compile: Whether torch compiles the networks.
        threads: Threads of the CPU.
        max_batch: The most images that are drawn together.
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
    """The words that each of these takes."""

    device: str = AUTO
    dtype: str = AUTO
    vae_dtype: str = AUTO
    quantization: str = AUTO
    backend: str = AUTO
    memory_format: str = AUTO
    attention: str = AUTO
    vae_tiling: str = AUTO
    offload: str = AUTO
    compile: bool = False
    threads: int | None = None
    max_batch: int | None = None

    @classmethod
    def of(cls, settings: "PlanOverrides") -> "PlanOverrides":
        """Return only these settings from a value that has more."""
        return cls(**{row.name: getattr(settings, row.name) for row in fields(cls)})
