"""Checkpoints: the family of each, and what prevents it from being loaded.

Families are recognised as in diffusers (`loaders/single_file_utils.py`) and ComfyUI
(`model_detection.py`): by the width of the token vectors that the UNet takes, and by its input
channels: 4, 9 for inpainting, or 8 for InstructPix2Pix.
"""

import re
from collections.abc import Mapping

from adapters.filesystem.classification.extras import quantised, unexpected
from adapters.filesystem.headers.values import Header, TensorFacts
from domain.checkpoints.families import FAMILIES, PICTURE_WIDTHS, facts_of, with_channels
from domain.checkpoints.layouts import Shape, checkpoint_parts
from domain.checkpoints.names import with_modern_names
from domain.checkpoints.unets import UnknownUnet
from domain.models.record import ModelFamily

__all__ = [
    "NEVER",
    "UNET",
    "VAE",
    "checkpoint_family",
    "is_checkpoint",
    "is_only_the_network",
    "why_not_loadable",
]

UNET = "model.diffusion_model."
VAE = "first_stage_model."
_VAE = "VAE"
# Prefixes of a UNet or transformer in a file of its own: original names, diffusers' names.
_BARE = ("input_blocks.0.0.weight", "joint_blocks.0.", "double_blocks.0.")
_DIFFUSERS = ("conv_in.weight", "down_blocks.", "up_blocks.", "time_embedding.")
_DIFFUSERS_TRANSFORMER = ("single_transformer_blocks.", "transformer_blocks.0.attn.add_k_proj.")
_STEERING = ("control_model.", "controlnet_", "input_hint_block.")
_OTHER_PARTS = ("first_stage_model.", "cond_stage_model.", "conditioner.", "text_encoders.", "vae.")
_DOWNWARDS = re.compile(r"(?:input_blocks|down_blocks)\.\d")
_VAE_ATTENTION = re.compile(r"first_stage_model\..+\.attn_1\.(q|k|v|proj_out)\.weight$")

# The width of the token vectors that the UNet takes, and the shape of its first layer.
_FAMILIES = {
    **{
        (facts.unet.context, facts.unet.widths[0]): family
        for family in (ModelFamily.SD_1, ModelFamily.SD_2_V, ModelFamily.SDXL)
        if (facts := FAMILIES[family])
    },
    (1280, 384): ModelFamily.SDXL_REFINER,
}
_NAMES = {
    ModelFamily.SD_1: "Stable Diffusion 1.x",
    ModelFamily.SD_1_INPAINT: "Stable Diffusion 1.x inpainting",
    ModelFamily.SD_1_PIX2PIX: "Stable Diffusion 1.x InstructPix2Pix",
    ModelFamily.SD_2: "Stable Diffusion 2.x",
    ModelFamily.SD_2_V: "Stable Diffusion 2.x",
    ModelFamily.SD_2_INPAINT: "Stable Diffusion 2.x inpainting",
    ModelFamily.SDXL: "SDXL",
    ModelFamily.SDXL_INPAINT: "SDXL inpainting",
    ModelFamily.SDXL_PIX2PIX: "SDXL InstructPix2Pix",
}
NEVER: Mapping[ModelFamily | None, str] = {
    ModelFamily.SDXL_REFINER: "it is the SDXL refiner, which finishes pictures of the SDXL base "
    "model and cannot begin one; choose an SDXL base model",
    ModelFamily.SD_3: "it has tensors of Stable Diffusion 3, and is not a whole transformer of it; "
    "get the file again, or put its diffusers folder here",
    ModelFamily.FLUX: "it has tensors of FLUX, and is not a whole transformer of it; get the file "
    "again, or put its diffusers folder here",
}
_INPUTS = {
    5: "it is a depth-to-image model, which needs a map of depths that the service does not make",
    7: "it is a diffusion upscaler, which the service does not support",
    8: "it is an InstructPix2Pix model of a family that has none",
}


def is_checkpoint(tensors: Mapping[str, TensorFacts]) -> bool:
    """Return True if the file has a network that draws, with or without its other parts."""
    if any(name.startswith(_STEERING) for name in tensors):
        return False  # the first ControlNets were published together with their checkpoint
    if any(name.startswith((UNET, *_BARE)) for name in tensors):
        return True
    return any(name.startswith(_DIFFUSERS_TRANSFORMER) for name in tensors) or all(
        any(name.startswith(start) for name in tensors) for start in _DIFFUSERS
    )


def is_only_the_network(tensors: Mapping[str, TensorFacts]) -> bool:
    """Return whether a file with a network that draws has no other part of a checkpoint."""
    return not any(name.startswith(_OTHER_PARTS) for name in tensors)


def checkpoint_family(header: Header) -> ModelFamily | None:
    """Return the published architecture; None for another network."""
    tensors = header.tensors
    names = [name.removeprefix(UNET) for name in tensors]
    if any(name.startswith(("double_blocks.", "single_transformer_blocks.")) for name in names):
        return ModelFamily.FLUX
    if any(name.startswith("joint_blocks.") or ".attn.add_k_proj." in name for name in names):
        return ModelFamily.SD_3
    first = _first_layer(tensors)
    if first is None:
        return None
    family = _FAMILIES.get((_context(tensors), first[0]))
    if family is not None:
        family = with_channels(family, first[1])
    return family


def why_not_loadable(header: Header, family: ModelFamily | None) -> str | None:
    """Return what prevents the checkpoint from drawing; None if nothing does."""
    if family in NEVER:
        return NEVER[family]
    if (reason := quantised(header)) is not None:
        return reason
    if family is None:
        return (
            "its network is not of a family that the service knows; put it here as a diffusers "
            "folder"
        )
    if not any(name.startswith(UNET) for name in header.tensors):
        return f"it is only the UNet of {_NAMES[family]}; get the full checkpoint"
    first = _first_layer(header.tensors)
    if first is not None and first[1] != FAMILIES[family].unet.in_channels:
        return _INPUTS.get(
            first[1], f"its UNet takes {first[1]} channels, which no known family does"
        )
    return _incomplete(header.tensors, family)


def _incomplete(tensors: Mapping[str, TensorFacts], family: ModelFamily) -> str | None:
    tensors = with_modern_names(tensors)
    unet, odd = FAMILIES[family].unet, None
    try:
        unet = facts_of(family, {name: facts.shape for name, facts in tensors.items()}).unet
    except UnknownUnet as error:
        odd = f"its UNet is not that of {_NAMES[family]}: it {error.reason}"
    if unet.picture not in (None, *PICTURE_WIDTHS):
        return (
            f"its UNet takes {unet.picture} numbers beside the prompt, which no known family does"
        )
    parts = checkpoint_parts(family, unet)
    absent = [part for part, needed in parts.items() if not needed.keys() & tensors.keys()]
    if absent == [_VAE]:  # a VAE of another file can draw in its place
        absent, parts = [], {part: needed for part, needed in parts.items() if part != _VAE}
    if absent:
        return f"it holds no {' and no '.join(absent)}; get the full checkpoint"
    for part, needed in parts.items():
        for name, shape in needed.items():
            if name not in tensors:
                return f"its {part} is not that of {_NAMES[family]}: it lacks the tensor {name}"
            if not _fits(name, tensors[name].shape, shape):
                return (
                    f"its {part} is not that of {_NAMES[family]}: the tensor {name} has the shape "
                    f"{list(tensors[name].shape)[:8]}, not {list(shape)}"
                )
    return unexpected(tensors, parts) or odd


def _fits(name: str, shape: Shape, needed: Shape) -> bool:
    # The VAE's attention consists of convolutions or, in newer files, of the same linear layers.
    return shape == needed or (
        shape == needed[:2] and needed[2:] == (1, 1) and _VAE_ATTENTION.match(name) is not None
    )


def _first_layer(tensors: Mapping[str, TensorFacts]) -> Shape | None:
    for name in (f"{UNET}input_blocks.0.0.weight", "input_blocks.0.0.weight", "conv_in.weight"):
        if name in tensors and len(tensors[name].shape) == 4:
            return tensors[name].shape
    return None


def _context(tensors: Mapping[str, TensorFacts]) -> int:
    shapes = (
        facts.shape
        for name, facts in tensors.items()
        if name.endswith(".attn2.to_k.weight") and _DOWNWARDS.search(name)
    )
    return next((shape[1] for shape in shapes if len(shape) == 2), 0)
