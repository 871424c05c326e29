"""Moves a loaded pipeline to the device, in the form that the plan asks for."""

import logging
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline

from adapters.diffusion.attention.chunked import attend_in_chunks
from adapters.diffusion.attention.signatures import remember_signatures
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.plan import choose_offload
from adapters.diffusion.loading.file_identity import copy_mapped_tensors
from adapters.diffusion.loading.memory.mapped_memory import mapped_tensors
from adapters.diffusion.pipeline import Pipeline, is_stable_diffusion

__all__ = ["place"]

_DENOISERS = ("unet", "transformer")
_SHAPES = 128
"""The most shapes that are compiled. torch runs the networks uncompiled for further shapes."""
_WITH_CONVOLUTIONS = ("unet", "vae")

_log = logging.getLogger(__name__)


def place(
    pipeline: Pipeline,
    device: Device,
    *,
    in_any_precision: bool,
    mapped: Collection[torch.Tensor] | None = None,
) -> None:
    """Move the networks of a pipeline to the device, in its precision and layout.

    Args:
        pipeline: A pipeline on the CPU.
        device: The device that will draw.
        in_any_precision: Whether to convert the networks to the device's precision. If False, they
            already have it, except for parts that their authors keep in float32.
        mapped: The tensors that were mapped from files; None if they are not known. They are
            copied, so that a later write to a file cannot reach the pipeline.
    """
    modules = {
        name: part
        for name, part in pipeline.components.items()
        if isinstance(part, torch.nn.Module)
    }
    sizes = {name: _bytes(module) for name, module in modules.items()}
    offload = choose_offload(device.plan.offload, sizes, device.plan.memory_bytes)
    if offload == "none":
        pipeline.to(device.torch_device)
    for name, module in modules.items():
        changes: dict[str, Any] = {}
        if name in _WITH_CONVOLUTIONS and not _has_3d_convolutions(module):
            changes["memory_format"] = device.memory_format
        if name == "vae" and is_stable_diffusion(pipeline):
            changes["dtype"] = device.vae_dtype(wide_range=_overflows(pipeline))
        elif in_any_precision:
            changes["dtype"] = device.dtype
        if changes:
            module.to(**changes)
    if mapped is not None:
        copy_mapped_tensors(modules.values(), mapped)
    elif device.name == "cpu" or offload != "none":
        copy_mapped_tensors(modules.values(), mapped_tensors(_tensors(modules.values())))
    if device.plan.vae_tiling == "on" and not is_stable_diffusion(pipeline):
        pipeline.vae.enable_tiling()  # `decoding` decodes for Stable Diffusion
    if device.plan.attention == "sliced":
        pipeline.enable_attention_slicing()
    elif device.plan.attention == "chunked" and is_stable_diffusion(pipeline):
        attend_in_chunks(pipeline.unet)
    if offload == "model":
        pipeline.enable_model_cpu_offload(device=device.torch_device)
        if device.plan.compiled:
            _log.warning("offloaded networks are not compiled")
    elif device.plan.compiled:
        _compile(pipeline)
    if offload == "model" or not device.plan.compiled:  # compiled code asks for no signatures
        for module in modules.values():
            remember_signatures(module)
    if offload != "none":
        size = sum(sizes.values()) / 1e9
        _log.info("%.1f GB of weights are offloaded to host memory: OFFLOAD is %s", size, offload)


def _has_3d_convolutions(module: torch.nn.Module) -> bool:
    """Whether it has 3D convolutions. `channels_last` is a layout for 2D convolutions."""
    return any(parameter.ndim == 5 for parameter in module.parameters())


def _overflows(pipeline: Pipeline) -> bool:
    """Whether the autoencoder overflows float16, as the configuration of an XL model says.

    The option is True by default, so it means nothing in the configuration of an older model.
    """
    return isinstance(pipeline, StableDiffusionXLPipeline) and bool(
        getattr(pipeline.vae.config, "force_upcast", False)
    )


def _compile(pipeline: Pipeline) -> None:
    """Mark the networks for compilation, which happens at the first call with each shape."""
    # All networks of a class share one limit, which must hold a few models with several shapes.
    limit = torch._dynamo.config.recompile_limit
    torch._dynamo.config.recompile_limit = max(limit, _SHAPES)
    for name in _DENOISERS:
        if (network := getattr(pipeline, name, None)) is not None:
            network.compile()
    if (decoder := getattr(pipeline.vae, "decoder", None)) is not None:
        decoder.compile()


def _bytes(module: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in _tensors([module]))


def _tensors(modules: Iterable[torch.nn.Module]) -> Iterator[torch.Tensor]:
    for module in modules:
        yield from module.parameters()
        yield from module.buffers()
