"""A pipeline that was read goes where the plan has it, and as the plan has it."""

import logging
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline

from adapters.diffusion.attention.chunked import attend_in_chunks
from adapters.diffusion.attention.signatures import remember_signatures
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.plan import choose_offload
from adapters.diffusion.loading.file_identity import copied_out_of_the_file
from adapters.diffusion.pipeline import Pipeline, is_stable_diffusion

__all__ = ["place"]

_DENOISERS = ("unet", "transformer")
_SHAPES = 128
"""That are compiled at most; past it torch draws uncompiled."""
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
        pipeline: On the CPU.
        device: Where it shall draw.
        in_any_precision: Whether its networks are to be converted; else they are in the device's
            already, but for parts that their authors keep in float32.
        mapped: The tensors that were mapped from files, so that a later write could reach those
            that are still the same here; None where any may be.
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
        if name in _WITH_CONVOLUTIONS and not _is_of_films(module):
            changes["memory_format"] = device.memory_format
        if name == "vae" and is_stable_diffusion(pipeline):
            changes["dtype"] = device.vae_dtype(wide_range=_overflows(pipeline))
        elif in_any_precision:
            changes["dtype"] = device.dtype
        if changes:
            module.to(**changes)
    if mapped is not None:
        copied_out_of_the_file(modules.values(), mapped)
    elif device.name == "cpu" or offload != "none":
        copied_out_of_the_file(modules.values(), _tensors(modules.values()))
    if device.plan.vae_tiling == "on" and not is_stable_diffusion(pipeline):
        pipeline.vae.enable_tiling()  # the others' latents are decoded by `decoding`
    if device.plan.attention == "sliced":
        pipeline.enable_attention_slicing()
    elif device.plan.attention == "chunked" and is_stable_diffusion(pipeline):
        attend_in_chunks(pipeline.unet)
    if offload == "model":
        pipeline.enable_model_cpu_offload(device=device.torch_device)
        if device.plan.compiled:
            _log.warning("networks that wait in the host's memory are not compiled")
    elif device.plan.compiled:
        _compile(pipeline)
    if offload == "model" or not device.plan.compiled:  # what is compiled asks for none
        for module in modules.values():
            remember_signatures(module)
    if offload != "none":
        size = sum(sizes.values()) / 1e9
        _log.info("%.1f GB of weights wait in the host's memory: OFFLOAD is %s", size, offload)


def _is_of_films(module: torch.nn.Module) -> bool:
    """Whether it convolves over time too, for which the layout is none."""
    return any(parameter.ndim == 5 for parameter in module.parameters())


def _overflows(pipeline: Pipeline) -> bool:
    """Whether its autoencoder's numbers are too large for float16, as the configuration of XL's
    says. That of older ones says so too, because it says nothing, and means nothing by it.
    """
    return isinstance(pipeline, StableDiffusionXLPipeline) and bool(
        getattr(pipeline.vae.config, "force_upcast", False)
    )


def _compile(pipeline: Pipeline) -> None:
    """Have the networks compiled when they are first called with a shape."""
    # All networks of a kind share their limit: a few models, each of some shapes.
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
