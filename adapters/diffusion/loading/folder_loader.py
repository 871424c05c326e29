"""Loads a diffusers folder as a pipeline, with the folder's own configuration."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import diffusers.utils.logging
import safetensors
import torch
import transformers.utils.logging
from diffusers import ModelMixin, SchedulerMixin
from transformers import PreTrainedTokenizerBase

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import brief, is_out_of_memory, is_permanent
from adapters.diffusion.loading.folder_index import make_harmless, read_index
from adapters.diffusion.loading.placement import place
from adapters.diffusion.loading.single.unread_tensors import unread_part_reason
from adapters.diffusion.pipeline import STABLE_DIFFUSION, Pipeline
from adapters.diffusion.untrusted.chat_template import CHAT_PIPELINES, CHAT_TEMPLATE
from adapters.diffusion.untrusted.torch_weights import check_torch_file
from domain.checkpoints.folder_weights import plain_names, used_variant, used_weights
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["read_folder"]

# A service writes to a log. A progress bar needs a terminal.
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()

_SAFETENSORS = ".safetensors"
_PRECISIONS = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
"""The precisions that networks are built in, by the names of the safetensors format."""


def read_folder(model: ModelRecord, device: Device, tick: Callable[[], None]) -> Pipeline:
    """Load the pipeline of a folder that no other program writes to, as `mirrored` yields it.

    Each component is loaded by a class that is known to be a model, a scheduler or a tokenizer. The
    pipeline's own `from_pretrained` would import what the folder names. A safety checker is left
    out, as it is for single files.

    Args:
        model: Its path is that of the mirror.
        device: The device that will draw.
        tick: Called between components. An exception of it ends the load.

    Raises:
        ModelNotLoadable: The folder is not a complete model, or the model is not supported. The
            message says why.
    """
    try:
        return _read(model.path, device, tick)
    except DomainError as error:
        raise ModelNotLoadable(str(error), model.name, lasting=True) from error
    except Exception as error:  # libraries may raise anything for a broken file
        if is_out_of_memory(error):
            raise
        raise ModelNotLoadable(
            f"it is not a whole model of its configuration: {brief(error)}",
            model.name,
            lasting=is_permanent(error),
        ) from error


def _read(folder: str, device: Device, tick: Callable[[], None]) -> Pipeline:
    make_harmless(folder)
    index = read_index(folder)
    tick()
    is_narrow = issubclass(index.pipeline, STABLE_DIFFUSION)
    dtype = device.dtype if is_narrow else device.dtype_of_others
    parts = {}
    for name, each in index.components.items():
        if is_narrow and issubclass(each, SchedulerMixin):
            parts[name] = _scheduler(Path(folder, name), each)
        else:
            # `place` converts precision and memory layout in one step, so each tensor is copied
            # once. On another device a network has the precision of the plan before it goes there.
            is_later = is_narrow and device.name == "cpu" and issubclass(each, ModelMixin)
            parts[name] = _component(Path(folder, name), each, dtype, is_converted=not is_later)
        tick()
        if index.pipeline.__name__ in CHAT_PIPELINES and name == "tokenizer":
            parts[name].chat_template = CHAT_TEMPLATE
    pipeline = index.pipeline(**parts, **index.options)
    # The libraries do not say which tensors they mapped from a file.
    place(pipeline, device, in_any_precision=is_narrow)
    return pipeline


def _scheduler(folder: Path, kind: Any) -> Any:
    """Load the scheduler of a Stable Diffusion folder. Only its configuration is used.

    adapters/diffusion/sampling computes beta sigmas itself. diffusers needs scipy for them.
    """
    wanted = kind.load_config(str(folder), local_files_only=True).get("use_beta_sigmas")
    if not wanted:
        return kind.from_pretrained(str(folder), local_files_only=True)
    scheduler = kind.from_pretrained(str(folder), local_files_only=True, use_beta_sigmas=False)
    scheduler.register_to_config(use_beta_sigmas=wanted)
    return scheduler


def _component(folder: Path, kind: Any, dtype: torch.dtype, *, is_converted: bool = True) -> Any:
    if issubclass(kind, (SchedulerMixin, PreTrainedTokenizerBase)):
        return kind.from_pretrained(str(folder), local_files_only=True)
    library = kind.__module__.partition(".")[0]
    files = [path.name for path in folder.iterdir()]
    chosen = used_variant(files, library)
    if chosen is None:
        names = " or ".join(plain_names(library))
        raise ModelNotLoadable(f"its component {folder.name} has no weights: {names} is missing")
    form, variant = chosen
    is_safe = form == _SAFETENSORS
    used = [folder / name for name in used_weights(files, library)]
    for path in () if is_safe else used:
        check_torch_file(f"{folder.name}/{path.name}", str(path))
    stored = None if is_converted or not is_safe else _stored_dtype(used)
    part, report = kind.from_pretrained(
        str(folder),
        torch_dtype=stored or dtype,
        variant=variant,
        use_safetensors=is_safe,  # if False, only tensors are read from .bin files
        low_cpu_mem_usage=True,
        local_files_only=True,
        output_loading_info=True,
    )
    # For a missing tensor both libraries use random numbers and only log a warning.
    if missing := sorted(report["missing_keys"]):
        raise ValueError(
            f"{len(missing)} tensors of its {folder.name} are missing, such as {missing[0]}"
        )
    left_over = {
        *report["unexpected_keys"],
        *(_not_in_its_index(folder, variant) if is_safe else ()),
    }
    if (reason := unread_part_reason(folder.name, left_over)) is not None:
        raise ModelNotLoadable(reason)
    return part.eval()


def _stored_dtype(weights: Iterable[Path]) -> torch.dtype | None:
    """Return the precision of a component's weights; None if they have several, or an odd one."""
    found = set()
    for path in weights:
        with safetensors.safe_open(path, framework="pt") as file:
            found |= {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    return _PRECISIONS.get(found.pop()) if len(found) == 1 else None


def _not_in_its_index(folder: Path, variant: str | None) -> Iterator[str]:
    """Yield the tensors in shards that the index does not name. Both libraries skip them."""
    end = ".index.json" if variant is None else f".index.{variant}.json"
    for index in folder.glob(f"*.safetensors{end}"):
        if (folder / index.name.replace(end, "")).exists():  # read in place of the shards
            continue
        places: Mapping[str, str] = json.loads(index.read_bytes())["weight_map"]
        for shard in set(places.values()):
            with safetensors.safe_open(folder / shard, framework="pt") as file:
                yield from file.keys() - places.keys()
