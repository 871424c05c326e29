"""Classifies a diffusers folder by its small files."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from adapters.filesystem.classification.files import Classification
from adapters.filesystem.classification.native_sizes import native_size_of_folder
from adapters.filesystem.folder_parts import (
    tokenizer_problem,
    unnamed_parts,
    used_weights,
    weights_problem,
)
from adapters.filesystem.folders import INDEX
from adapters.filesystem.headers.values import shown
from domain.checkpoints.configurations import UnusableConfiguration, check_folder, json_object
from domain.checkpoints.families import FAMILIES, with_channels
from domain.checkpoints.pipelines import (
    DROPPED_PARTS,
    LIBRARIES,
    PIPELINES,
    STABLE_DIFFUSION_CLASSES,
    pipeline_inputs,
)
from domain.checkpoints.training import Source, Told, UnusableTraining, training_of_scheduler
from domain.models.kinds import base_family
from domain.models.record import ModelFamily, ModelKind

__all__ = ["classify_folder"]

_CONFIGURATION_BYTES = 4 * 2**20
"""Bytes read from a configuration file here; `check_folder` refuses a file that has more."""

_OTHER_FAMILIES = {"StableDiffusionXLImg2ImgPipeline": ModelFamily.SDXL_REFINER}
_WITH_WEIGHTS = ("unet", "vae", "text_encoder", "transformer")
_SMALL_FILES = (".json", ".txt", ".model")
_SCHEDULER = "scheduler_config.json"
_WITH_NAMED_SAMPLERS = "StableDiffusion"
_UNET = "unet/config.json"
_LATENT_CHANNELS = 4
"""The input channels of a UNet whose configuration does not say, as in diffusers."""
_SD_2_WIDTH = 1024  # width of its text encoder; Stable Diffusion 1's is 768


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
        return read_most(path, _CONFIGURATION_BYTES)

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
        family = _OTHER_FAMILIES.get(name)
        return _refused(family, f"it is a {shown}, which the service cannot draw with")
    family = PIPELINES[name]
    if name in STABLE_DIFFUSION_CLASSES:
        family = _stable_diffusion(STABLE_DIFFUSION_CLASSES[name], paths, read)
    for component, what in index.items():
        if component.startswith("_") or not isinstance(what, list):
            continue
        if (reason := _component_problem(component, what, paths, read, faults)) is not None:
            return _refused(family, reason)
    if unnamed := unnamed_parts(name, index):
        return _refused(family, f"its {INDEX} names no {', '.join(unnamed)}")
    told: tuple[Told, ...] = ()
    if name.startswith(_WITH_NAMED_SAMPLERS) and family is not ModelFamily.SD_3:
        scheduler = index["scheduler"][1] if len(index["scheduler"]) > 1 else None
        try:
            training = training_of_scheduler(
                scheduler,
                _object(f"scheduler/{_SCHEDULER}", read),
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
    return Classification(
        ModelKind.CHECKPOINT,
        family,
        None,
        loadable=True,
        reason=None,
        native_size=native_size_of_folder(read, family),
        pipeline_inputs=pipeline_inputs(name),
        base=base_family(family),
        told=told,
    )


def _component_problem(
    component: str,
    what: list[Any],
    paths: Collection[str],
    read: Callable[[str], bytes],
    faults: Mapping[str, str],
) -> str | None:
    library, shown_as = (what[0] if what else None), shown(component)
    if library is None or component in DROPPED_PARTS:
        return None
    if not isinstance(library, str) or library not in LIBRARIES:
        return f"its {shown_as} is custom code, and a model must not contain code"
    start = f"{component}/"
    files = [path.removeprefix(start) for path in paths if path.startswith(start)]
    if not files:
        return f"its {shown_as} is missing"
    if (reason := _fault(component, files, faults)) is not None:
        return reason
    name = what[1] if len(what) > 1 else None
    if component.startswith(_WITH_WEIGHTS):
        return weights_problem(shown_as, files, lambda file: read(start + file)) or (
            _quantisation(component, read)
        )
    if component.startswith("tokenizer"):
        return tokenizer_problem(shown_as, name, files)
    if component == "scheduler" and _SCHEDULER not in files:
        return f"its {component}/{_SCHEDULER} is missing"
    return None


def _fault(component: str, files: list[str], faults: Mapping[str, str]) -> str | None:
    """Return what is wrong with a file that the loader reads; it does not read all weight files."""
    used = used_weights(files)
    for file in sorted(files):
        path = f"{component}/{file}"
        if path in faults and (file in used or file.endswith(_SMALL_FILES)):
            return f"its file {shown(path)} cannot be used: {faults[path]}"
    return None


def _quantisation(component: str, read: Callable[[str], bytes]) -> str | None:
    told = _object(f"{component}/config.json", read).get("quantization_config")
    if not isinstance(told, dict):
        return None
    form = shown(str(told.get("quant_method", "codes and scales")))
    return f"its {component} is quantised ({form}); get the model in 16 or 32 bits"


def _stable_diffusion(
    loaded: str, paths: Collection[str], read: Callable[[str], bytes]
) -> ModelFamily:
    """Return the family of a Stable Diffusion folder whose pipeline is loaded as this class."""
    unet = _object(_UNET, read) if _UNET in paths else {}
    family = ModelFamily.SD_1
    if loaded.startswith("StableDiffusionXL"):
        family = ModelFamily.SDXL
    elif unet.get("cross_attention_dim") == _SD_2_WIDTH:
        scheduler = f"scheduler/{_SCHEDULER}"
        told = _object(scheduler, read) if scheduler in paths else {}
        velocity = told.get("prediction_type") == "v_prediction"
        family = ModelFamily.SD_2_V if velocity else ModelFamily.SD_2
    channels = unet.get("in_channels")
    return with_channels(family, channels) if type(channels) is int else family


def _channels_problem(family: ModelFamily | None, read: Callable[[str], bytes]) -> str | None:
    """Return why a Stable Diffusion folder's UNet takes channels that no drawing can add."""
    channels = _object(_UNET, read).get("in_channels", _LATENT_CHANNELS)
    if family is None or channels == FAMILIES[family].unet.in_channels:
        return None
    return f"its UNet takes {shown(str(channels))} channels, which no known family does"


def _object(path: str, read: Callable[[str], bytes]) -> dict[str, Any]:
    """Return the JSON object in a file; an empty one if there is none."""
    try:
        return _parsed(path, read)
    except UnusableConfiguration:
        return {}


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
