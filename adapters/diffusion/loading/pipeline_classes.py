"""The pipeline classes that a diffusers folder may name. Imports nothing heavy.

Each makes a picture from a text alone, and its call takes at least the prompt, the size, the steps,
a scale of guidance, generators and an output type. A name that the installed diffusers lacks is
refused at load.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["STABLE_DIFFUSION_CLASSES", "TEXT_TO_IMAGE_CLASSES"]

# Drawn as the single files are. The inpainting forms have the same components, and draw from text
# as `families.inpainting` says.
STABLE_DIFFUSION_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "StableDiffusionPipeline": "StableDiffusionPipeline",
        "StableDiffusionInpaintPipeline": "StableDiffusionPipeline",
        "StableDiffusionXLPipeline": "StableDiffusionXLPipeline",
        "StableDiffusionXLInpaintPipeline": "StableDiffusionXLPipeline",
    }
)
"""`_class_name` of a folder, and the class that it is loaded as."""

TEXT_TO_IMAGE_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        **STABLE_DIFFUSION_CLASSES,
        **{
            name: name
            for name in (
                "AuraFlowPipeline",
                "ChromaPipeline",
                "CogView3PlusPipeline",
                "CogView4Pipeline",
                "Flux2KleinPipeline",
                "FluxPipeline",
                "HunyuanDiTPipeline",
                "LatentConsistencyModelPipeline",
                "Lumina2Pipeline",
                "LuminaPipeline",
                "PixArtAlphaPipeline",
                "PixArtSigmaPipeline",
                "QwenImagePipeline",
                "SanaPipeline",
                "StableDiffusion3Pipeline",
                "ZImagePipeline",
            )
        },
    }
)
"""As `STABLE_DIFFUSION_CLASSES`, and every further class that a folder may name."""
