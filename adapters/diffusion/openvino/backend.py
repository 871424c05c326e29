"""Runs the UNet and the autoencoder's decoder, most of the work of a drawing, in OpenVINO."""

import gc
import logging
import time
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from adapters.diffusion.no_autoencoder import NoAutoencoder
from adapters.diffusion.pipeline import Pipeline, StableDiffusion

__all__ = ["accelerate_with_openvino", "decodes_with_openvino"]

_PRECISIONS = (torch.float32, torch.bfloat16)
# Options of a UNet whose inputs no pipeline of Stable Diffusion 1, 2 or XL supplies here.
_UNUSUAL = ("time_cond_proj_dim", "class_embed_type", "encoder_hid_dim_type")
_SHARE = 0.8
"""The share of the memory that weights may take while both libraries hold a network."""
_BYTES_A_WEIGHT = {"none": 4, "int8": 2}
"""Bytes for each weight in OpenVINO's copy. `none`: float32, if the hardware has nothing shorter.
`int8`: an integer for each weight, and a margin for the layers that are not quantised."""

_log = logging.getLogger(__name__)


def accelerate_with_openvino(
    pipeline: StableDiffusion, *, threads: int | None, memory_bytes: int, quantization: str = "none"
) -> None:
    """Replace a pipeline's networks by OpenVINO's, and free the memory of the replaced networks.

    OpenVINO's networks are built from the pipeline's tensors. Each keeps its precision, except for
    quantised layers. Some networks stay as they are: a UNet that needs inputs other than text, a
    network whose precision is neither float32 nor bfloat16, and a network that does not fit the
    memory twice.

    Args:
        pipeline: A `StableDiffusionPipeline` or `StableDiffusionXLPipeline`, on the CPU.
        threads: The number of threads that compute; None for one thread a core.
        memory_bytes: The memory that the process may use.
        quantization: The quantisation of the UNet: `int8`, or `none`.

    Raises:
        ValueError: The UNet is to be quantised and holds NaN or infinity.
    """
    # OpenVINO is an optional dependency.
    from adapters.diffusion.openvino.networks import OpenVinoDecoder, OpenVinoUnet

    began = time.monotonic()
    room = int(_SHARE * memory_bytes) - sum(map(_bytes, _networks(pipeline)))
    converted = []
    if _converts_unet(pipeline.unet) and _fits(pipeline.unet, room, quantization):
        pipeline.unet = OpenVinoUnet(pipeline.unet, threads=threads, quantization=quantization)
        converted.append("UNet" if quantization == "none" else f"UNet in {quantization}")
    elif quantization != "none":
        _log.warning(
            "QUANTIZATION is %s, which this UNet cannot have: torch draws with it in %s",
            quantization,
            pipeline.unet.dtype,
        )
    if _converts_vae(pipeline.vae) and _fits(pipeline.vae.decoder, room):
        channels = pipeline.vae.config.latent_channels
        pipeline.vae.decoder = OpenVinoDecoder(
            pipeline.vae.decoder, channels=channels, threads=threads
        )
        converted.append("decoder")
    gc.collect()  # a network and its parts refer to each other
    names = " and ".join(converted) or "none of the networks"
    _log.info("converted for OpenVINO in %.2f s: %s", time.monotonic() - began, names)


def decodes_with_openvino(pipeline: Pipeline) -> bool:
    """Return whether the decoder of a pipeline is one of OpenVINO's."""
    return hasattr(getattr(pipeline.vae, "decoder", None), "weight_bytes")


def _networks(pipeline: StableDiffusion) -> list[torch.nn.Module]:
    return [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]


def _bytes(network: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in network.parameters())


def _fits(network: torch.nn.Module, room: int, quantization: str = "none") -> bool:
    weights = sum(tensor.numel() for tensor in network.parameters())
    if _BYTES_A_WEIGHT[quantization] * weights <= room:
        return True
    _log.warning("torch computes the %s: there is no memory to convert it", type(network).__name__)
    return False


def _converts_unet(unet: Any) -> bool:
    return (
        isinstance(unet, UNet2DConditionModel)
        and unet.dtype in _PRECISIONS
        and isinstance(unet.config.cross_attention_dim, int)
        and unet.config.addition_embed_type in (None, "text_time")
        and all(unet.config.get(name) is None for name in _UNUSUAL)
    )


def _converts_vae(vae: Any) -> bool:
    is_real = isinstance(vae, AutoencoderKL) and not isinstance(vae, NoAutoencoder)
    return is_real and vae.dtype in _PRECISIONS
