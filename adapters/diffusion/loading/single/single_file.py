"""Loads a Stable Diffusion checkpoint that is a single file, in the names of the original code."""

import json
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.initialization import no_init_weights

from adapters.diffusion.devices.device import Device
from adapters.diffusion.families import (
    FAMILIES,
    configuration_files,
    with_modern_names,
)
from adapters.diffusion.loading.embedded_configuration import configuration_folder
from adapters.diffusion.loading.placement import place
from adapters.diffusion.loading.single.unet_inputs import with_guidance, without_picture
from adapters.diffusion.loading.single.unread_tensors import unread_reason
from adapters.diffusion.loading.trained import trained_files
from adapters.diffusion.loading.weights import Weights, read_metadata, read_weights
from adapters.diffusion.no_autoencoder import stand_in
from adapters.diffusion.pipeline import Pipeline
from adapters.diffusion.untrusted.refusals import refusals_as_not_loadable
from domain.checkpoints.configurations import embedded_configuration
from domain.checkpoints.families import facts_of
from domain.checkpoints.unets import UnknownUnet
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["read_file"]

_UNET, _VAE = ("model.diffusion_model.",), ("first_stage_model.", "vae.")
_ENCODER = "cond_stage_model."
_ENCODERS_OF_XL = {"": "conditioner.embedders.0.", "_2": "conditioner.embedders.1."}

_PLAIN_DTYPES = frozenset({torch.float16, torch.bfloat16, torch.float32})


def read_file(model: ModelRecord, device: Device, tick: Callable[[], None]) -> Pipeline:
    """Load the pipeline of a Stable Diffusion checkpoint that is a single file.

    Args:
        model: Its path leads to the proven file.
        device: The device that will draw.
        tick: Called now and then. An exception of it ends the load.

    Raises:
        ModelNotLoadable: The file cannot be used. The message says why.
    """
    metadata = read_metadata(model)
    stored = read_weights(model, dtype=device.dtype, tick=tick)
    weights = stored.renamed(with_modern_names({name: name for name in stored}))
    with refusals_as_not_loadable():
        embedded = embedded_configuration(metadata)
    if embedded is None:
        weights = without_picture(weights)
    files = embedded or _family_configuration(model, weights)
    files = trained_files(files, model.training, weights)
    dtype = _loaded_dtype(weights, device)
    has_vae = not model.lacks_vae or any(name.startswith(_VAE) for name in weights)
    own_vae = None if has_vae else stand_in(json.loads(files["vae/config.json"]))
    pipeline = _assemble(weights, files, dtype, own_vae)
    if (reason := unread_reason(weights.facts, pipeline.components)) is not None:
        raise ModelNotLoadable(reason, model.name, lasting=True)
    place(pipeline, device, in_any_precision=True, mapped=weights.mapped)
    return pipeline


def _loaded_dtype(weights: Weights, device: Device) -> torch.dtype:
    """Return the precision in which the components are built.

    On a CPU it is the precision of the file. The tensors then stay mapped until one step converts
    their precision and their memory layout, so each is copied once. On another device it is the
    precision of the plan, so that no larger tensors are moved to the device. Codes become numbers
    of that precision too.
    """
    found = {tensor.dtype for tensor in weights.mapped if tensor.is_floating_point()}
    if device.name != "cpu" or weights.has_codes or not found or not found <= _PLAIN_DTYPES:
        return device.dtype
    # For several precisions, take the smallest that represents every number of each.
    return reduce(torch.promote_types, found)


def _family_configuration(model: ModelRecord, weights: Weights) -> Mapping[str, str]:
    if model.family is None or model.family not in FAMILIES:
        raise ModelNotLoadable(
            "it belongs to no family that can be loaded from a single file", model.name
        )
    shapes = {name: each.shape for name, each in weights.facts.items()}
    try:
        facts = facts_of(model.family, shapes)
    except UnknownUnet as error:
        raise ModelNotLoadable(f"its UNet {error.reason}", model.name, lasting=True) from error
    return configuration_files(model.family, facts)


def _assemble(
    weights: Weights, files: Mapping[str, str], dtype: torch.dtype, vae: torch.nn.Module | None
) -> Any:
    """Build every component from the weights and the configuration, then the pipeline.

    Each component takes its own tensors, so that no others are made from codes meanwhile. `vae`
    takes the place of an autoencoder that the weights do not have.
    """
    index = json.loads(files["model_index.json"])
    is_xl = "text_encoder_2" in index
    with configuration_folder(files) as folder:
        parts: dict[str, Any] = {
            "unet": UNet2DConditionModel.from_single_file(
                with_guidance(weights.taken(*_UNET), json.loads(files["unet/config.json"])),
                config=folder,
                subfolder="unet",
                torch_dtype=dtype,
                local_files_only=True,
            ),
            "vae": vae
            or AutoencoderKL.from_single_file(
                weights.taken(*_VAE),
                config=folder,
                subfolder="vae",
                torch_dtype=dtype,
                local_files_only=True,
            ),
            "scheduler": DPMSolverMultistepScheduler.from_pretrained(
                folder, subfolder="scheduler", local_files_only=True
            ),
        }
        encoders: dict[str, type] = {"": CLIPTextModel}
        if is_xl:
            encoders["_2"] = CLIPTextModelWithProjection
        for suffix, text_encoder in encoders.items():
            parts[f"tokenizer{suffix}"] = CLIPTokenizer.from_pretrained(
                folder, subfolder=f"tokenizer{suffix}", local_files_only=True
            )
            # Every parameter must come from the file; `_check_whole` verifies this.
            with no_init_weights():
                parts[f"text_encoder{suffix}"] = create_diffusers_clip_model_from_ldm(
                    text_encoder,
                    weights.taken(_ENCODERS_OF_XL[suffix] if is_xl else _ENCODER),
                    config=folder,
                    subfolder=f"text_encoder{suffix}",
                    torch_dtype=dtype,
                    local_files_only=True,
                )
    for name, part in parts.items():
        _check_whole(name, part)
    if is_xl:
        return StableDiffusionXLPipeline(
            **parts,
            force_zeros_for_empty_prompt=index["force_zeros_for_empty_prompt"],
            add_watermarker=False,
        )
    return StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )


def _check_whole(name: str, part: Any) -> None:
    """Raise for a missing parameter, which diffusers silently leaves on the meta device."""
    if not isinstance(part, torch.nn.Module):
        return
    missing = [key for key, value in part.named_parameters() if value.is_meta]
    if missing:
        raise ValueError(f"{len(missing)} tensors of its {name} are missing, such as {missing[0]}")
