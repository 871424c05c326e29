"""Tells what a diffusers folder is from its small files."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from adapters.filesystem.classification import Classification
from adapters.filesystem.folders import INDEX
from adapters.filesystem.headers_values import shown
from adapters.filesystem.native_sizes import native_size_of_folder
from domain.models import ModelFamily, ModelKind

__all__ = ["MAX_TEXT_BYTES", "PIPELINES", "classify_folder"]

MAX_TEXT_BYTES = 1_000_000
"""Of a configuration file that is read; published ones have a few thousand."""

# The classes of diffusers that draw from text alone, and the family that each is of.
PIPELINES: Mapping[str, ModelFamily | None] = {
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
_OTHER_FAMILIES = {"StableDiffusionXLImg2ImgPipeline": ModelFamily.SDXL_REFINER}
_LIBRARIES = frozenset({"diffusers", "transformers"})
_OPTIONAL = frozenset({"safety_checker", "feature_extractor", "image_encoder", "watermarker"})
_WITH_WEIGHTS = ("unet", "vae", "text_encoder", "transformer")
_WEIGHTS = (".safetensors", ".bin")
_SD_2_WIDTH = 1024  # of its text encoder; Stable Diffusion 1's has 768


def classify_folder(paths: Collection[str], read: Callable[[str], bytes]) -> Classification:
    """Tell what a folder is.

    Args:
        paths: Of its files, from the folder.
        read: Gives the content of one of them, at most `MAX_TEXT_BYTES`.
    """
    index = _object(INDEX, read)
    name = index.get("_class_name")
    if not isinstance(name, str):
        return _refused(None, f"its {INDEX} names no pipeline class")
    if name not in PIPELINES:
        shown = name if name.isidentifier() and len(name) < 80 else "something else"
        family = _OTHER_FAMILIES.get(name)
        return _refused(family, f"it is a {shown}, which draws no picture from text alone here")
    family = PIPELINES[name]
    if name == "StableDiffusionPipeline":
        family = _stable_diffusion(paths, read)
    for component, what in index.items():
        if component.startswith("_") or not isinstance(what, list):
            continue
        if (reason := _component_problem(component, what, paths)) is not None:
            return _refused(family, reason)
    return Classification(
        ModelKind.CHECKPOINT,
        family,
        None,
        loadable=True,
        reason=None,
        native_size=native_size_of_folder(read, family),
    )


def _component_problem(component: str, what: list[Any], paths: Collection[str]) -> str | None:
    library, shown_as = (what[0] if what else None), shown(component)
    if library is None or component in _OPTIONAL:
        return None
    if not isinstance(library, str) or library not in _LIBRARIES:
        return f"its {shown_as} is code of its own, and no model may bring code"
    files = [path for path in paths if path.startswith(f"{component}/")]
    if not files:
        return f"its {shown_as} is missing"
    if component.startswith(_WITH_WEIGHTS) and not any(path.endswith(_WEIGHTS) for path in files):
        return f"its {shown_as} has no weights"
    return None


def _stable_diffusion(paths: Collection[str], read: Callable[[str], bytes]) -> ModelFamily:
    unet = _object("unet/config.json", read) if "unet/config.json" in paths else {}
    if unet.get("cross_attention_dim") != _SD_2_WIDTH:
        return ModelFamily.SD_1
    scheduler = "scheduler/scheduler_config.json"
    told = _object(scheduler, read) if scheduler in paths else {}
    velocity = told.get("prediction_type") == "v_prediction"
    return ModelFamily.SD_2_V if velocity else ModelFamily.SD_2


def _object(path: str, read: Callable[[str], bytes]) -> dict[str, Any]:
    """The JSON object in a file; an empty one when there is none."""
    try:
        value = json.loads(read(path))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refused(family: ModelFamily | None, reason: str) -> Classification:
    return Classification(ModelKind.CHECKPOINT, family, None, loadable=False, reason=reason)
