"""Reads the index of a diffusers folder as untrusted data.

`model_index.json` names classes, and the files beside it name files, code and hubs. No file decides
what is imported: a class is looked up in diffusers or transformers, and it must be a model, a
scheduler or a tokenizer of theirs.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import transformers
from diffusers import DPMSolverMultistepScheduler, ModelMixin, SchedulerMixin
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from adapters.diffusion.pipeline import STABLE_DIFFUSION
from adapters.diffusion.untrusted.refusals import refusals_as_not_loadable
from domain.checkpoints.configurations import (
    PIECES,
    check_folder,
    extra_tokens,
    has_pieces_alone,
    json_object,
    tokenizer_of_t5,
)
from domain.checkpoints.pipelines import DROPPED_PARTS, PIPELINE_CLASSES
from domain.errors import ModelNotLoadable

__all__ = ["FolderIndex", "make_harmless", "read_index"]

_LIBRARIES: Mapping[str, tuple[Any, tuple[type, ...]]] = {
    "diffusers": (diffusers, (ModelMixin, SchedulerMixin)),
    "transformers": (transformers, (PreTrainedModel, PreTrainedTokenizerBase)),
}
# diffusers exports this class under its short name only if scipy is installed. Loading it needs no
# scipy.
_OTHERS = {("diffusers", "LMSDiscreteScheduler"): LMSDiscreteScheduler}
# A pipeline can be built without one of these, but it cannot draw. A second or third text encoder
# may be missing, and often is in Stable Diffusion 3.
_NEEDED = frozenset({"unet", "transformer", "vae", "scheduler", "text_encoder", "tokenizer"})
# Options that every pipeline gets, whatever the folder says.
_OPTIONS = {"requires_safety_checker": False, "add_watermarker": False}


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """The checked content of a `model_index.json`.

    Attributes:
        pipeline: The pipeline's class.
        components: The class of each component to load, by the name of its folder.
        options: The other arguments of the pipeline. An absent component is None.
    """

    pipeline: Any
    components: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


def read_index(folder: str) -> FolderIndex:
    """Read and check the `model_index.json` of a folder.

    Raises:
        ModelNotLoadable: The file is missing or is not JSON, or it names a pipeline or a component
            that is not supported.
    """
    index = _object(Path(folder, "model_index.json"), "model_index.json")
    pipeline = _pipeline_class(index.get("_class_name"))
    parameters = inspect.signature(pipeline.__init__).parameters
    components: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for name, value in index.items():
        if name.startswith("_") or name in DROPPED_PARTS:
            continue
        if isinstance(value, list):
            is_narrow = pipeline in STABLE_DIFFUSION and name == "scheduler"
            found = _component_class(
                name, value, DPMSolverMultistepScheduler if is_narrow else None
            )
            if name not in parameters:
                continue
            if found is None:
                options[name] = None
            else:
                components[name] = found
        elif name in parameters and isinstance(value, bool | int | float | str | None):
            options[name] = value
    options |= {name: value for name, value in _OPTIONS.items() if name in parameters}
    options |= {name: None for name in DROPPED_PARTS if name in parameters}
    required = {name for name, each in parameters.items() if each.default is each.empty}
    missing = required - {"self", "args", "kwargs"} - components.keys() - options.keys()
    missing |= _NEEDED & parameters.keys() - components.keys()
    if missing:
        raise ModelNotLoadable(f"its model_index.json lacks {', '.join(sorted(missing))}")
    for name in components:
        if not Path(folder, name).is_dir():
            raise ModelNotLoadable(f"its component {name} is missing: there is no folder {name}/")
    return FolderIndex(pipeline, components, options)


def make_harmless(folder: str) -> None:
    """Check the limits of a folder's files, and remove what refers outside the folder.

    This removes the names of code and of other files. It also removes chat templates, because a
    program in the template language may run for ever. The folder must hold copies, because its
    files are rewritten.

    Raises:
        ModelNotLoadable: A file is not a JSON object or exceeds a limit, or its shards lie outside
            the folder.
    """
    root = Path(folder)
    files = [path for path in root.rglob("*") if path.is_file()]
    with refusals_as_not_loadable():
        check_folder(
            {path.relative_to(root).as_posix(): path.stat().st_size for path in files},
            lambda path, most: _start_of(root / path, most),
        )
    _make_tokenizers(root)
    for path in root.glob("*/*.json"):
        if path.name in ("config.json", "tokenizer_config.json"):
            table = _object(path, f"{path.parent.name}/{path.name}")
            path.write_text(json.dumps(_without_references(table)), "utf-8")
    for path in [*Path(folder).rglob("*.jinja"), *Path(folder).rglob("chat_template*.json")]:
        path.unlink()


def _make_tokenizers(root: Path) -> None:
    """Write the `tokenizer.json` of a T5 tokenizer that has its pieces alone.

    transformers needs the library sentencepiece to read them.
    """
    for pieces in root.glob(f"tokenizer*/{PIECES}"):
        part = pieces.parent
        if has_pieces_alone([path.name for path in part.iterdir()]):
            about = _object(part / "tokenizer_config.json", f"{part.name}/tokenizer_config.json")
            name = f"{part.name}/{PIECES}"
            with refusals_as_not_loadable():
                table = tokenizer_of_t5(name, pieces.read_bytes(), extra_tokens(about))
            (part / "tokenizer.json").write_text(json.dumps(table), "utf-8")


def _pipeline_class(name: object) -> Any:
    # A list in this place asks for code in the folder.
    if not isinstance(name, str):
        raise ModelNotLoadable("its model_index.json names no pipeline class as _class_name")
    found = getattr(diffusers, PIPELINE_CLASSES.get(name, ""), None)
    if found is None:
        raise ModelNotLoadable(
            f"its pipeline {name[:80]!r} does not draw from text here; these do: "
            + ", ".join(sorted(set(PIPELINE_CLASSES.values())))
        )
    return found


def _component_class(name: str, value: list[Any], spare: Any = None) -> Any:
    """Return the class of a component; None for a component that is left out.

    Args:
        name: The name of the component.
        value: Its library and class.
        spare: The class that takes the place of one that needs a library that is not installed. A
            Stable Diffusion folder's scheduler is a table of numbers: only its configuration is
            used, and listing checks that.
    """
    if value == [None, None]:
        return None
    library, class_name = value if len(value) == 2 else (None, None)
    if not (isinstance(library, str) and isinstance(class_name, str) and library in _LIBRARIES):
        raise ModelNotLoadable(
            f"its component {name[:80]!r} is {str(value)[:120]}; a component must be "
            "a class of diffusers or transformers"
        )
    module, kinds = _LIBRARIES[library]
    try:
        found = _OTHERS.get((library, class_name)) or getattr(module, class_name, None)
    except (ImportError, RuntimeError):  # the requirements of a lazy import are missing
        found = None
    if not (isinstance(found, type) and issubclass(found, kinds)):
        if spare is not None and hasattr(module, class_name):
            return spare
        raise ModelNotLoadable(
            f"its component {name[:80]!r} is a {class_name[:80]!r}, which the {library} installed "
            "here does not have as a model, a scheduler or a tokenizer"
        )
    return found


def _without_references(value: Any) -> Any:
    """Return a configuration without the names of code, of kernels on a hub and of files.

    Chat templates are removed too. Names of vocabulary files are not needed: transformers finds the
    files of a tokenizer by their usual names unless its configuration names others.
    """
    if isinstance(value, list):
        return [_without_references(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_references(each) for key, each in value.items() if not _is_reference(key)}


def _is_reference(key: str) -> bool:
    return (
        key in ("auto_map", "chat_template")
        or "attn_implementation" in key
        or key.endswith("_file")
    )


def _object(path: Path, name: str) -> dict[str, Any]:
    try:
        with refusals_as_not_loadable():
            return json_object(name, path.read_bytes())
    except FileNotFoundError as error:
        raise ModelNotLoadable(f"its {name} is missing") from error


def _start_of(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
