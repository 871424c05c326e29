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
    "WITH_ADDITIONS",
    "Counterparts",
    "pipeline_inputs",
]

_FAMILIES: Mapping[str, ModelFamily | None] = MappingProxyType(
    {
        "AuraFlowPipeline": None,
        "ChromaPipeline": ModelFamily.CHROMA,
        "CogView3PlusPipeline": None,
        "CogView4Pipeline": None,
        "Flux2KleinPipeline": ModelFamily.FLUX_2,
        "FluxPipeline": ModelFamily.FLUX,
        "HunyuanDiTPipeline": None,
        "LatentConsistencyModelPipeline": None,
        "Lumina2Pipeline": ModelFamily.LUMINA_2,
        "LuminaPipeline": None,
        "PixArtAlphaPipeline": None,
        "PixArtSigmaPipeline": None,
        "QwenImagePipeline": ModelFamily.QWEN_IMAGE,
        "SanaPipeline": ModelFamily.SANA,
        "StableDiffusion3Pipeline": ModelFamily.SD_3,
        "StableDiffusionInpaintPipeline": ModelFamily.SD_1_INPAINT,
        "StableDiffusionInstructPix2PixPipeline": ModelFamily.SD_1_PIX2PIX,
        "StableDiffusionPipeline": ModelFamily.SD_1,
        "StableDiffusionXLInpaintPipeline": ModelFamily.SDXL_INPAINT,
        "StableDiffusionXLInstructPix2PixPipeline": ModelFamily.SDXL_PIX2PIX,
        "StableDiffusionXLPipeline": ModelFamily.SDXL,
        "ZImagePipeline": ModelFamily.Z_IMAGE,
    }
)
_SAME_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ChromaPipeline": ("ChromaImg2ImgPipeline", "ChromaInpaintPipeline"),
        "Flux2KleinPipeline": ("Flux2KleinInpaintPipeline",),
        "FluxPipeline": ("FluxImg2ImgPipeline", "FluxInpaintPipeline"),
        "LatentConsistencyModelPipeline": ("LatentConsistencyModelImg2ImgPipeline",),
        "QwenImagePipeline": ("QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"),
        "StableDiffusion3Pipeline": (
            "StableDiffusion3Img2ImgPipeline",
            "StableDiffusion3InpaintPipeline",
        ),
        "StableDiffusionPipeline": (
            "StableDiffusionImg2ImgPipeline",
            "StableDiffusionInpaintPipelineLegacy",
        ),
        "StableDiffusionXLPipeline": ("StableDiffusionXLImg2ImgPipeline",),
        "ZImagePipeline": ("ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
    }
)
"""The classes that draw from pictures with the same parts as a class that draws from text."""
_MORE_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "FluxPipeline": (
            "FluxControlNetPipeline",
            "FluxControlNetImg2ImgPipeline",
            "FluxControlNetInpaintPipeline",
        ),
        "PixArtSigmaPipeline": ("PixArtSigmaPAGPipeline",),
        "QwenImagePipeline": ("QwenImageControlNetPipeline", "QwenImageControlNetInpaintPipeline"),
        "SanaPipeline": ("SanaPAGPipeline", "SanaControlNetPipeline"),
        "StableDiffusion3Pipeline": (
            "StableDiffusion3ControlNetPipeline",
            "StableDiffusion3ControlNetInpaintingPipeline",
            "StableDiffusion3PAGPipeline",
            "StableDiffusion3PAGImg2ImgPipeline",
        ),
        "StableDiffusionPipeline": (
            "StableDiffusionAdapterPipeline",
            "StableDiffusionAttendAndExcitePipeline",
            "StableDiffusionControlNetPipeline",
            "StableDiffusionControlNetImg2ImgPipeline",
            "StableDiffusionControlNetInpaintPipeline",
            "StableDiffusionPAGPipeline",
            "StableDiffusionPAGImg2ImgPipeline",
            "StableDiffusionPAGInpaintPipeline",
            "StableDiffusionPanoramaPipeline",
            "StableDiffusionSAGPipeline",
        ),
        "StableDiffusionXLPipeline": (
            "StableDiffusionXLAdapterPipeline",
            "StableDiffusionXLControlNetPipeline",
            "StableDiffusionXLControlNetImg2ImgPipeline",
            "StableDiffusionXLControlNetInpaintPipeline",
            "StableDiffusionXLControlNetUnionPipeline",
            "StableDiffusionXLControlNetUnionImg2ImgPipeline",
            "StableDiffusionXLControlNetUnionInpaintPipeline",
            "StableDiffusionXLPAGPipeline",
            "StableDiffusionXLPAGImg2ImgPipeline",
            "StableDiffusionXLPAGInpaintPipeline",
        ),
        "ZImagePipeline": ("ZImageControlNetPipeline", "ZImageControlNetInpaintPipeline"),
    }
)
"""The classes that add a part or another guidance to the parts of a class that draws from text.
Without the addition, the parts draw as that class does."""
_DRAWN_AS: Mapping[str, str] = MappingProxyType(
    {
        name: base
        for table in (_SAME_PARTS, _MORE_PARTS)
        for base, names in table.items()
        for name in names
    }
)
# The classes for inpainting and for InstructPix2Pix have the same components. The further channels
# of their UNets are added at each drawing: see `adapters.diffusion.additions`.
_AS_FILES = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")

PIPELINES: Mapping[str, ModelFamily | None] = MappingProxyType(
    {**_FAMILIES, **{name: _FAMILIES[base] for name, base in _DRAWN_AS.items()}}
)
"""Every `_class_name` that a folder may have, and the family that it stands for, if it has one.

The family of a Stable Diffusion folder also depends on the configuration of its UNet."""

STABLE_DIFFUSION_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "StableDiffusionPipeline": "StableDiffusionPipeline",
        "StableDiffusionInpaintPipeline": "StableDiffusionPipeline",
        "StableDiffusionInstructPix2PixPipeline": "StableDiffusionPipeline",
        "StableDiffusionXLPipeline": "StableDiffusionXLPipeline",
        "StableDiffusionXLInpaintPipeline": "StableDiffusionXLPipeline",
        "StableDiffusionXLInstructPix2PixPipeline": "StableDiffusionXLPipeline",
        **{name: base for name, base in _DRAWN_AS.items() if base in _AS_FILES},
    }
)
"""The classes that draw as single files do: `_class_name`, and the class that is loaded."""

PIPELINE_CLASSES: Mapping[str, str] = MappingProxyType(
    {name: STABLE_DIFFUSION_CLASSES.get(name, _DRAWN_AS.get(name, name)) for name in PIPELINES}
)
"""Every `_class_name` that a folder may have, and the class that is loaded."""

WITH_ADDITIONS: frozenset[str] = frozenset(name for names in _MORE_PARTS.values() for name in names)
"""The classes of folders whose addition is left out, which users are told."""


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
    has = COUNTERPARTS.get(PIPELINE_CLASSES[name], Counterparts())
    image = () if has.image is None else (ModelInput.IMAGE,)
    mask = () if has.mask is None else (ModelInput.MASK,)
    return (ModelInput.TEXT, *image, *mask)


LIBRARIES = frozenset({"diffusers", "transformers"})
"""The libraries whose classes the parts of a folder may have."""

DROPPED_PARTS = frozenset(
    {
        *("safety_checker", "feature_extractor", "image_encoder", "watermarker"),
        *("controlnet", "adapter", "pag_applied_layers"),
    }
)
"""The parts that are never loaded, as with single files. The caller judges what a picture may show,
no picture is read as a prompt, and a request names the ControlNet that it wants. The classes of
these parts are not even looked up."""
