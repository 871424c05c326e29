"""What models are for, and their published architectures."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["ModelFamily", "ModelInput", "ModelKind", "base_family"]


class ModelKind(StrEnum):
    """What a model file is for.

    A diffusion model is the network that draws, in a file that lacks a text encoder or an
    autoencoder. It draws together with files that have these (see `ModelRecord.members`).
    """

    CHECKPOINT = "checkpoint"
    DIFFUSION_MODEL = "diffusion_model"
    TEXT_ENCODER = "text_encoder"
    LORA = "lora"
    VAE = "vae"
    EMBEDDING = "embedding"
    CONTROLNET = "controlnet"
    UPSCALER = "upscaler"
    UNKNOWN = "unknown"


class ModelInput(StrEnum):
    """What a model draws from: a prompt, a picture with a prompt, or a picture with a mask."""

    TEXT = "text"
    IMAGE = "image"
    MASK = "mask"


class ModelFamily(StrEnum):
    """The published architecture of a model file."""

    SD_1 = "sd-1"
    SD_1_INPAINT = "sd-1-inpaint"
    SD_1_PIX2PIX = "sd-1-pix2pix"
    SD_2 = "sd-2"
    SD_2_V = "sd-2-v"
    SD_2_INPAINT = "sd-2-inpaint"
    SDXL = "sdxl"
    SDXL_REFINER = "sdxl-refiner"
    SDXL_INPAINT = "sdxl-inpaint"
    SDXL_PIX2PIX = "sdxl-pix2pix"
    SD_3 = "sd-3"
    FLUX = "flux"
    FLUX_2 = "flux-2"
    CHROMA = "chroma"
    Z_IMAGE = "z-image"
    QWEN_IMAGE = "qwen-image"
    LUMINA_2 = "lumina-2"
    SANA = "sana"


_BASES: Mapping[ModelFamily, ModelFamily] = MappingProxyType(
    {
        ModelFamily.SD_1_INPAINT: ModelFamily.SD_1,
        ModelFamily.SD_1_PIX2PIX: ModelFamily.SD_1,
        ModelFamily.SD_2_V: ModelFamily.SD_2,
        ModelFamily.SD_2_INPAINT: ModelFamily.SD_2,
        ModelFamily.SDXL_INPAINT: ModelFamily.SDXL,
        ModelFamily.SDXL_PIX2PIX: ModelFamily.SDXL,
    }
)


def base_family(family: ModelFamily | None) -> ModelFamily | None:
    """Return the family whose add-ons fit a checkpoint of this family; None if it is not known.

    Variants for inpainting, for InstructPix2Pix and for velocity differ from their base in the
    first layer of the UNet or in the training alone, so they take the add-ons of their base. The
    refiner of SDXL has a UNet of its own.
    """
    return None if family is None else _BASES.get(family, family)
