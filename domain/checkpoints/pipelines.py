"""The pipeline classes of diffusers that a model folder may name, and their parts.

Each class makes a picture from a text alone. Its call has parameters for at least the prompt, the
size, the number of steps, a guidance scale, generators and an output type. Listing refuses every
other class. Loading also refuses a class that the installed diffusers lacks.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.models.record import ModelFamily

__all__ = [
    "DROPPED_PARTS",
    "LIBRARIES",
    "PIPELINES",
    "PIPELINE_CLASSES",
    "STABLE_DIFFUSION_CLASSES",
]

PIPELINES: Mapping[str, ModelFamily | None] = MappingProxyType(
    {
        "AuraFlowPipeline": None,
        "ChromaPipeline": None,
        "CogView3PlusPipeline": None,
        "CogView4Pipeline": None,
        "Flux2KleinPipeline": None,
        "FluxPipeline": ModelFamily.FLUX,
        "HunyuanDiTPipeline": None,
        "LatentConsistencyModelPipeline": None,
        "Lumina2Pipeline": None,
        "LuminaPipeline": None,
        "PixArtAlphaPipeline": None,
        "PixArtSigmaPipeline": None,
        "QwenImagePipeline": None,
        "SanaPipeline": None,
        "StableDiffusion3Pipeline": ModelFamily.SD_3,
        "StableDiffusionInpaintPipeline": ModelFamily.SD_1_INPAINT,
        "StableDiffusionPipeline": ModelFamily.SD_1,
        "StableDiffusionXLInpaintPipeline": ModelFamily.SDXL_INPAINT,
        "StableDiffusionXLPipeline": ModelFamily.SDXL,
        "ZImagePipeline": None,
    }
)
"""Every `_class_name` that a folder may have, and the family that it stands for, if it has one."""

# The inpainting classes have the same components. They draw from text as
# `adapters.diffusion.families.inpainting` says.
STABLE_DIFFUSION_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "StableDiffusionPipeline": "StableDiffusionPipeline",
        "StableDiffusionInpaintPipeline": "StableDiffusionPipeline",
        "StableDiffusionXLPipeline": "StableDiffusionXLPipeline",
        "StableDiffusionXLInpaintPipeline": "StableDiffusionXLPipeline",
    }
)
"""The classes that draw as single files do: `_class_name`, and the class that is loaded."""

PIPELINE_CLASSES: Mapping[str, str] = MappingProxyType(
    {name: STABLE_DIFFUSION_CLASSES.get(name, name) for name in PIPELINES}
)
"""Every `_class_name` that a folder may have, and the class that is loaded."""

LIBRARIES = frozenset({"diffusers", "transformers"})
"""The libraries whose classes the parts of a folder may have."""

DROPPED_PARTS = frozenset({"safety_checker", "feature_extractor", "image_encoder", "watermarker"})
"""The parts that are never loaded, as with single files. The caller judges what a picture may show,
and pictures are not an input. The classes of these parts are not even looked up."""
