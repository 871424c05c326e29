"""The size of the pictures that a model was trained with."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from domain.checkpoints.families import FAMILIES, LATENT_SIDE
from domain.models.record import ModelFamily
from domain.sizes import Size

__all__ = ["native_size_of_file", "native_size_of_folder"]

_SIDES: Mapping[ModelFamily, int] = {
    # Published values: `sample_size` of the networks' configurations, times the autoencoder's
    # factor.
    **{family: facts.unet.sample_size * LATENT_SIDE for family, facts in FAMILIES.items()},
    ModelFamily.SDXL_REFINER: 1024,
    ModelFamily.SD_3: 1024,
    ModelFamily.SANA: 1024,
    # These have no such field. Their authors' pipelines draw 1024 × 1024 by default.
    ModelFamily.FLUX: 1024,
    ModelFamily.FLUX_2: 1024,
    ModelFamily.CHROMA: 1024,
    ModelFamily.Z_IMAGE: 1024,
    ModelFamily.QWEN_IMAGE: 1024,
    ModelFamily.LUMINA_2: 1024,
}
# The format of ModelSpec (https://github.com/Stability-AI/ModelSpec): "WIDTHxHEIGHT".
_RESOLUTION = "modelspec.resolution"
_PAIR = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_SHORTEST, _LONGEST = 64, 8192
_NETWORKS = ("unet/config.json", "transformer/config.json")
_AUTOENCODER = "vae/config.json"
_MOST_LEVELS = 10


def native_size_of_file(metadata: Mapping[str, str], family: ModelFamily | None) -> Size | None:
    """Return the size in a file's metadata, its own configuration, or of its family; or None."""
    if (found := _PAIR.fullmatch(metadata.get(_RESOLUTION, "").strip().lower())) is not None:
        width, height = map(int, found.groups())
        if _is_plausible(width, height):
            return Size(width, height)
    return _configured(lambda path: metadata.get(path, "")) or _of_family(family)


def native_size_of_folder(read: Callable[[str], bytes], family: ModelFamily | None) -> Size | None:
    """Return the size in the configurations of a folder's parts, or of its family, or None.

    Args:
        read: Returns the content of a file by its path in the folder; raises OSError for a missing
            one.
        family: The folder's family.
    """
    return _configured(read) or _of_family(family)


def _of_family(family: ModelFamily | None) -> Size | None:
    side = None if family is None else _SIDES.get(family)
    return None if side is None else Size(side, side)


def _configured(read: Callable[[str], str | bytes]) -> Size | None:
    factor = _factor(_object(read, _AUTOENCODER))
    if factor is None:
        return None
    for path in _NETWORKS:
        sample = _object(read, path).get("sample_size")
        sides: list[Any] = (
            sample if isinstance(sample, list) else [sample, sample]
        )  # (height, width)
        if len(sides) != 2 or not all(type(side) is int for side in sides):
            continue
        height, width = (factor * side for side in sides)
        if _is_plausible(width, height):
            return Size(width, height)
    return None


def _factor(vae: Mapping[str, Any]) -> int | None:
    """Return the number of pixels per latent along a side: each encoder level but one halves it.

    diffusers' pipelines compute `vae_scale_factor` this way; the second name is that of the deep
    compression autoencoders of Sana.
    """
    for name in ("block_out_channels", "encoder_block_out_channels"):
        levels = vae.get(name)
        if isinstance(levels, list) and 1 <= len(levels) <= _MOST_LEVELS:
            return int(2 ** (len(levels) - 1))
    return None


def _is_plausible(width: int, height: int) -> bool:
    return all(_SHORTEST <= side <= _LONGEST for side in (width, height))


def _object(read: Callable[[str], str | bytes], path: str) -> Mapping[str, Any]:
    """Return the JSON object in a file; an empty one if there is none."""
    try:
        value = json.loads(read(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
