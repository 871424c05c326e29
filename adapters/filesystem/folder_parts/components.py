"""What a component of a diffusers folder lacks, by the files in its folder."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from adapters.filesystem.folder_parts.tokenizers import tokenizer_problem
from adapters.filesystem.folder_parts.weights import weights_problem
from adapters.filesystem.headers.values import shown
from domain.checkpoints.configurations import UnusableConfiguration, json_object
from domain.checkpoints.folder_weights import plain_names, used_weights
from domain.checkpoints.pipelines import DROPPED_PARTS, LIBRARIES

__all__ = ["CONFIGURATION_BYTES", "component_problem", "object_in"]

CONFIGURATION_BYTES = 4 * 2**20
"""Bytes read from a configuration file here; `check_folder` refuses a file that has more."""

_WITH_WEIGHTS = ("unet", "vae", "text_encoder", "transformer")
_SMALL_FILES = (".json", ".txt", ".model")
_SCHEDULER = "scheduler_config.json"
_FIRST_FILES = {"scheduler": _SCHEDULER, "tokenizer": "tokenizer.json"}
"""The files by which a missing part is told."""


def component_problem(
    component: str,
    what: list[Any],
    paths: Collection[str],
    read_most: Callable[[str, int], bytes],
    faults: Mapping[str, str],
) -> str | None:
    """Return what prevents a component from being loaded; None if nothing does.

    Args:
        component: Its name in `model_index.json`.
        what: Its value there: the library and the class, or two times null.
        paths: The paths of all files of the folder.
        read_most: Returns the first bytes of the file at a path, at most a number of them.
        faults: Why some files cannot be used, by path.
    """
    library, shown_as = (what[0] if what else None), shown(component)
    if library is None or component in DROPPED_PARTS:
        return None
    if not isinstance(library, str) or library not in LIBRARIES:
        return f"its {shown_as} is custom code, and a model must not contain code"
    start = f"{component}/"
    files = [path.removeprefix(start) for path in paths if path.startswith(start)]
    has_weights = component.startswith(_WITH_WEIGHTS)
    if not files:
        first = plain_names(library)[0] if has_weights else _FIRST_FILES.get(component, "")
        return f"its {shown_as} is missing: there is no {shown_as}/{first}"
    if (reason := _fault(component, library, files, faults)) is not None:
        return reason

    def read(path: str) -> bytes:
        return read_most(path, CONFIGURATION_BYTES)

    if has_weights:
        return weights_problem(shown_as, files, lambda file: read(start + file), library) or (
            _quantisation(component, read)
        )
    if component.startswith("tokenizer"):
        encoder = f"{component.replace('tokenizer', 'text_encoder')}/config.json"
        told = object_in(encoder, read) if encoder in paths else {}
        name = what[1] if len(what) > 1 else None
        return tokenizer_problem(
            shown_as,
            name,
            files,
            lambda file, most: read_most(start + file, most),
            told.get("vocab_size"),
        )
    if component == "scheduler" and _SCHEDULER not in files:
        return f"its {component}/{_SCHEDULER} is missing"
    return None


def _fault(component: str, library: str, files: list[str], faults: Mapping[str, str]) -> str | None:
    """Return what is wrong with a file that the loader reads; it does not read all weight files."""
    used = used_weights(files, library)
    for file in sorted(files):
        path = f"{component}/{file}"
        if path in faults and (file in used or file.endswith(_SMALL_FILES)):
            return f"its file {shown(path)} cannot be used: {faults[path]}"
    return None


def _quantisation(component: str, read: Callable[[str], bytes]) -> str | None:
    told = object_in(f"{component}/config.json", read).get("quantization_config")
    if not isinstance(told, dict):
        return None
    form = shown(str(told.get("quant_method", "codes and scales")))
    return f"its {component} is quantised ({form}); get the model in 16 or 32 bits"


def object_in(path: str, read: Callable[[str], bytes]) -> dict[str, Any]:
    """Return the JSON object in a file; an empty one if there is none."""
    try:
        return json_object(path, read(path))
    except UnusableConfiguration:
        return {}
