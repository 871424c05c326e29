"""Classifies a diffusers folder by its small files."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from adapters.filesystem.classification.checkpoints import NEVER
from adapters.filesystem.classification.files import Classification
from adapters.filesystem.classification.native_sizes import native_size_of_folder
from adapters.filesystem.folder_parts import (
    CONFIGURATION_BYTES,
    component_problem,
    object_in,
    unnamed_parts,
)
from adapters.filesystem.folders import INDEX
from adapters.filesystem.headers.values import shown
from domain.checkpoints.configurations import UnusableConfiguration, check_folder, json_object
from domain.checkpoints.families import FAMILIES, with_channels
from domain.checkpoints.pipelines import (
    PIPELINE_CLASSES,
    PIPELINES,
    STABLE_DIFFUSION_CLASSES,
    WITH_ADDITIONS,
    pipeline_inputs,
)
from domain.checkpoints.training import Source, Told, UnusableTraining, training_of_scheduler
from domain.models.kinds import base_family
from domain.models.record import ModelFamily, ModelKind

__all__ = ["classify_folder"]

_SCHEDULER = "scheduler_config.json"
_WITH_NAMED_SAMPLERS = "StableDiffusion"
_UNET = "unet/config.json"
_LATENT_CHANNELS = 4
"""The input channels of a UNet whose configuration does not say, as in diffusers."""
_FLUX_CHANNELS = 64
"""The channels of a transformer whose configuration does not say, as in diffusers."""
_SD_2_WIDTH = 1024  # width of its text encoder; Stable Diffusion 1's is 768
_REFINER_WIDTH = 1280  # of its only text encoder; the two of SDXL have 2048 together


def classify_folder(
    sizes: Mapping[str, int],
    read_most: Callable[[str, int], bytes],
    faults: Mapping[str, str] = MappingProxyType({}),
) -> Classification:
    """Classify a folder.

    Args:
        sizes: The bytes of each of its files, by its path relative to the folder.
        read_most: Returns the first bytes of the file at a path, at most a number of them.
        faults: Why some of them cannot be used, by path.

    Raises:
        OSError: a file cannot be read.
    """
    paths = frozenset(sizes)

    def read(path: str) -> bytes:
        return read_most(path, CONFIGURATION_BYTES)

    if INDEX in faults:
        return _refused(None, f"its file {INDEX} cannot be used: {faults[INDEX]}")
    try:
        index = _parsed(INDEX, read)
    except UnusableConfiguration as error:
        return _refused(None, error.reason)
    name = index.get("_class_name")
    if not isinstance(name, str):
        return _refused(None, f"its {INDEX} names no pipeline class")
    if name not in PIPELINES:
        shown = name if name.isidentifier() and len(name) < 80 else "something else"
        return _refused(None, f"it is a {shown}, which the service cannot draw with")
    family = PIPELINES[name]
    if name in STABLE_DIFFUSION_CLASSES:
        family = _stable_diffusion(STABLE_DIFFUSION_CLASSES[name], paths, read)
    if family is ModelFamily.SDXL_REFINER:
        return _refused(family, NEVER[family])
    for component, what in index.items():
        if component.startswith("_") or not isinstance(what, list):
            continue
        if (reason := component_problem(component, what, paths, read_most, faults)) is not None:
            return _refused(family, reason)
    if unnamed := unnamed_parts(PIPELINE_CLASSES[name], index):
        return _refused(family, f"its {INDEX} names no {', '.join(unnamed)}")
    told: tuple[Told, ...] = ()
    if name.startswith(_WITH_NAMED_SAMPLERS) and family is not ModelFamily.SD_3:
        scheduler = index["scheduler"][1] if len(index["scheduler"]) > 1 else None
        try:
            training = training_of_scheduler(
                scheduler,
                object_in(f"scheduler/{_SCHEDULER}", read),
                scales_picture=bool(index.get("is_cosxl_edit")),
            )
        except UnusableTraining as error:
            return _refused(family, error.reason)
        if (reason := _channels_problem(family, read)) is not None:
            return _refused(family, reason)
        told = (Told(Source.METADATA, "its scheduler", training),)
    try:
        check_folder(sizes, read_most)
    except UnusableConfiguration as error:
        return _refused(family, error.reason)
    if (reason := _flux_problem(family, paths, read)) is not None:
        return _refused(family, reason)
    return Classification(
        ModelKind.CHECKPOINT,
        family,
        None,
        loadable=True,
        reason=None,
        native_size=native_size_of_folder(read, family),
        note=_note(name) if name in WITH_ADDITIONS else None,
        pipeline_inputs=pipeline_inputs(name),
        base=base_family(family),
        told=told,
    )


def _stable_diffusion(
    loaded: str, paths: Collection[str], read: Callable[[str], bytes]
) -> ModelFamily:
    """Return the family of a Stable Diffusion folder whose pipeline is loaded as this class."""
    unet = object_in(_UNET, read) if _UNET in paths else {}
    family = ModelFamily.SD_1
    if loaded.startswith("StableDiffusionXL"):
        family = ModelFamily.SDXL
        if unet.get("cross_attention_dim") == _REFINER_WIDTH:
            return ModelFamily.SDXL_REFINER
    elif unet.get("cross_attention_dim") == _SD_2_WIDTH:
        scheduler = f"scheduler/{_SCHEDULER}"
        told = object_in(scheduler, read) if scheduler in paths else {}
        velocity = told.get("prediction_type") == "v_prediction"
        family = ModelFamily.SD_2_V if velocity else ModelFamily.SD_2
    channels = unet.get("in_channels")
    return with_channels(family, channels) if type(channels) is int else family


def _channels_problem(family: ModelFamily | None, read: Callable[[str], bytes]) -> str | None:
    """Return why a Stable Diffusion folder's UNet takes channels that no drawing can add."""
    channels = object_in(_UNET, read).get("in_channels", _LATENT_CHANNELS)
    if family is None or channels == FAMILIES[family].unet.in_channels:
        return None
    return f"its UNet takes {shown(str(channels))} channels, which no known family does"


def _flux_problem(
    family: ModelFamily | None, paths: Collection[str], read: Callable[[str], bytes]
) -> str | None:
    """Return why a FLUX folder's transformer takes channels that no drawing can add.

    That of FLUX takes squares of 2 × 2 latents. Those of FLUX Fill, Canny and Depth take those of a
    picture too (diffusers, `pipelines/flux`).
    """
    place = "transformer/config.json"
    if family is not ModelFamily.FLUX or place not in paths:
        return None
    told = object_in(place, read).get("in_channels", _FLUX_CHANNELS)
    latents = object_in("vae/config.json", read).get("latent_channels", _LATENT_CHANNELS)
    if type(latents) is not int or told == 4 * latents:
        return None
    return (
        f"its transformer takes {shown(str(told))} channels, not {4 * latents}: it is FLUX Fill, "
        "Canny or Depth, or another kind that needs a picture to begin with"
    )


def _note(name: str) -> str:
    return f"is a folder of {name}; it is drawn as a {PIPELINE_CLASSES[name]}, without its addition"


def _parsed(path: str, read: Callable[[str], bytes]) -> dict[str, Any]:
    return json_object(path, read(path))


def _refused(family: ModelFamily | None, reason: str) -> Classification:
    return Classification(
        ModelKind.CHECKPOINT,
        family,
        None,
        loadable=False,
        reason=reason,
        base=base_family(family),
    )
