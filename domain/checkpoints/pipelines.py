"""The pipeline classes of diffusers that a model folder may name, and their parts.

The call of each class that is loaded has parameters for at least the prompt, the size, the number
of steps, a guidance scale, generators and an output type. Listing refuses every other class.
Loading also refuses a class that the installed diffusers lacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.models.record import ModelFamily, ModelInput

__all__ = [
    "COUNTERPARTS",
    "DROPPED_PARTS",
    "LIBRARIES",
    "PIPELINES",
    "PIPELINE_CLASSES",
    "STABLE_DIFFUSION_CLASSES",
    "Counterparts",
    "pipeline_inputs",
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
        "StableDiffusionInstructPix2PixPipeline": ModelFamily.SD_1_PIX2PIX,
        "StableDiffusionPipeline": ModelFamily.SD_1,
        "StableDiffusionXLInpaintPipeline": ModelFamily.SDXL_INPAINT,
        "StableDiffusionXLInstructPix2PixPipeline": ModelFamily.SDXL_PIX2PIX,
        "StableDiffusionXLPipeline": ModelFamily.SDXL,
        "ZImagePipeline": None,
    }
)
"""Every `_class_name` that a folder may have, and the family that it stands for, if it has one.

The family of a Stable Diffusion folder also depends on the configuration of its UNet."""

# The classes for inpainting and for InstructPix2Pix have the same components. The further channels
# of their UNets are added at each drawing: see `adapters.diffusion.additions`.
STABLE_DIFFUSION_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "StableDiffusionPipeline": "StableDiffusionPipeline",
        "StableDiffusionInpaintPipeline": "StableDiffusionPipeline",
        "StableDiffusionInstructPix2PixPipeline": "StableDiffusionPipeline",
        "StableDiffusionXLPipeline": "StableDiffusionXLPipeline",
        "StableDiffusionXLInpaintPipeline": "StableDiffusionXLPipeline",
        "StableDiffusionXLInstructPix2PixPipeline": "StableDiffusionXLPipeline",
    }
)
"""The classes that draw as single files do: `_class_name`, and the class that is loaded."""

PIPELINE_CLASSES: Mapping[str, str] = MappingProxyType(
    {name: STABLE_DIFFUSION_CLASSES.get(name, name) for name in PIPELINES}
)
"""Every `_class_name` that a folder may have, and the class that is loaded."""


@dataclass(frozen=True, slots=True)
class Counterparts:
    """The classes of diffusers that draw from pictures with the components of another class.

    Attributes:
        image: The class that draws from a picture; None if there is none.
        mask: The class that draws a part of a picture; None if there is none.
    """

    image: str | None = None
    mask: str | None = None


COUNTERPARTS: Mapping[str, Counterparts] = MappingProxyType(
    {
        # diffusers 0.42 also has a ChromaInpaintPipeline, which reads an option that Chroma's
        # transformer lacks, and fails.
        "ChromaPipeline": Counterparts("ChromaImg2ImgPipeline"),
        # This class takes a strength, and the class for text has none. With a white mask it draws
        # the whole picture.
        "Flux2KleinPipeline": Counterparts(
            "Flux2KleinInpaintPipeline", "Flux2KleinInpaintPipeline"
        ),
        "FluxPipeline": Counterparts("FluxImg2ImgPipeline", "FluxInpaintPipeline"),
        "LatentConsistencyModelPipeline": Counterparts("LatentConsistencyModelImg2ImgPipeline"),
        "QwenImagePipeline": Counterparts("QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"),
        "StableDiffusion3Pipeline": Counterparts(
            "StableDiffusion3Img2ImgPipeline", "StableDiffusion3InpaintPipeline"
        ),
        "ZImagePipeline": Counterparts("ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
    }
)
"""The counterparts of each class in `PIPELINES` that has any.

The service itself draws from pictures with the classes of `STABLE_DIFFUSION_CLASSES`. The others
are the mappings of `AutoPipelineForImage2Image` and `AutoPipelineForInpainting` (diffusers,
`pipelines/auto_pipeline.py`), and classes that those mappings lack. A contract test compares them.
"""


def pipeline_inputs(name: str) -> tuple[ModelInput, ...]:
    """Return what a folder with this `_class_name` draws from. The name is one of `PIPELINES`."""
    if name in STABLE_DIFFUSION_CLASSES:
        return tuple(ModelInput)
    has = COUNTERPARTS.get(name, Counterparts())
    image = () if has.image is None else (ModelInput.IMAGE,)
    mask = () if has.mask is None else (ModelInput.MASK,)
    return (ModelInput.TEXT, *image, *mask)


LIBRARIES = frozenset({"diffusers", "transformers"})
"""The libraries whose classes the parts of a folder may have."""

DROPPED_PARTS = frozenset({"safety_checker", "feature_extractor", "image_encoder", "watermarker"})
"""The parts that are never loaded, as with single files. The caller judges what a picture may show,
and no picture is read as a prompt. The classes of these parts are not even looked up."""
