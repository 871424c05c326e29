"""A diffusers folder becomes a pipeline, with the folder's own configuration."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import diffusers.utils.logging
import safetensors
import torch
import transformers.utils.logging
from diffusers import SchedulerMixin
from transformers import PreTrainedTokenizerBase

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import brief, is_of_the_bytes, is_out_of_memory
from adapters.diffusion.loading.folder_index import make_harmless, read_index
from adapters.diffusion.loading.placement import place
from adapters.diffusion.loading.unread_tensors import why_not_all_of_a_part_is_read
from adapters.diffusion.pipeline import STABLE_DIFFUSION, Pipeline
from adapters.diffusion.untrusted.chat_template import CHAT_PIPELINES, CHAT_TEMPLATE
from adapters.diffusion.untrusted.torch_weights import check_torch_file
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["read_folder"]

# A service has a log, and no terminal that bars could move in.
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()

_WEIGHTS = (".safetensors", ".bin")


def read_folder(model: ModelRecord, device: Device, tick: Callable[[], None]) -> Pipeline:
    """The pipeline of a folder that is ours alone: its path is that of a `mirror.mirrored`.

    The components are loaded one by one, each by a class that is known to be a model, a scheduler
    or a tokenizer: the pipeline's own `from_pretrained` would import what the folder names. A
    safety checker is left out, as it is for single files.

    Args:
        model: With the path of the mirror.
        device: Where it shall draw.
        tick: Called between its parts; what it raises ends the load.

    Raises:
        ModelNotLoadable: it is no whole model that can be drawn with; the message says why.
    """
    try:
        return _read(model.path, device, tick)
    except DomainError as error:
        raise ModelNotLoadable(f"it cannot be loaded: {error}", model.name, lasting=True) from error
    except Exception as error:  # libraries raise whatever the files lead them to
        if is_out_of_memory(error):
            raise
        raise ModelNotLoadable(
            f"it is not a whole model of its configuration: {brief(error)}",
            model.name,
            lasting=is_of_the_bytes(error),
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
            parts[name] = _component(Path(folder, name), each, dtype)
        tick()
        if index.pipeline.__name__ in CHAT_PIPELINES and name == "tokenizer":
            parts[name].chat_template = CHAT_TEMPLATE
    pipeline = index.pipeline(**parts, **index.options)
    # Nothing else copies a tensor that was already in the precision to draw in, and which ones the
    # libraries mapped from a file they do not say.
    place(pipeline, device, in_any_precision=False)
    return pipeline


def _scheduler(folder: Path, kind: Any) -> Any:
    """The scheduler of a Stable Diffusion folder, which is there for its configuration alone.

    Beta sigmas are computed in adapters/diffusion/sampling; diffusers would ask for scipy here.
    """
    wanted = kind.load_config(str(folder), local_files_only=True).get("use_beta_sigmas")
    if not wanted:
        return kind.from_pretrained(str(folder), local_files_only=True)
    scheduler = kind.from_pretrained(str(folder), local_files_only=True, use_beta_sigmas=False)
    scheduler.register_to_config(use_beta_sigmas=wanted)
    return scheduler


def _component(folder: Path, kind: Any, dtype: torch.dtype) -> Any:
    if issubclass(kind, (SchedulerMixin, PreTrainedTokenizerBase)):
        return kind.from_pretrained(str(folder), local_files_only=True)
    is_safe, variant = _form(folder)
    if not is_safe:
        for path in folder.glob("*.bin"):
            check_torch_file(f"{folder.name}/{path.name}", str(path))
    part, report = kind.from_pretrained(
        str(folder),
        torch_dtype=dtype,
        variant=variant,
        use_safetensors=is_safe,  # without it the other form is read as tensors alone
        low_cpu_mem_usage=True,
        local_files_only=True,
        output_loading_info=True,
    )
    # Both libraries fill in random numbers for what is missing, with a line in the log.
    if missing := sorted(report["missing_keys"]):
        raise ValueError(
            f"{len(missing)} tensors of its {folder.name} are missing, such as {missing[0]}"
        )
    left_over = {
        *report["unexpected_keys"],
        *(_not_in_its_index(folder, variant) if is_safe else ()),
    }
    if (reason := why_not_all_of_a_part_is_read(folder.name, left_over)) is not None:
        raise ModelNotLoadable(reason)
    return part.eval()


def _not_in_its_index(folder: Path, variant: str | None) -> Iterator[str]:
    """The tensors in shards that their index does not name: both libraries read by the index."""
    end = ".index.json" if variant is None else f".index.{variant}.json"
    for index in folder.glob(f"*.safetensors{end}"):
        if (folder / index.name.replace(end, "")).exists():  # the whole file is read, and no shard
            continue
        places: Mapping[str, str] = json.loads(index.read_bytes())["weight_map"]
        for shard in set(places.values()):
            with safetensors.safe_open(folder / shard, framework="pt") as file:
                yield from file.keys() - places.keys()


def _form(folder: Path) -> tuple[bool, str | None]:
    """Whether a component's weights are safetensors, and of which variant.

    A variant stands before the extension, as in `model.fp16.safetensors`. The plain form is taken
    where there is one.

    Raises:
        ModelNotLoadable: there are no weights.
    """
    names = sorted(path.name for path in folder.iterdir() if path.suffix in _WEIGHTS)
    if not names:
        raise ModelNotLoadable(
            f"its component {folder.name} has no weights in {' or '.join(_WEIGHTS)} files"
        )
    is_safe = any(name.endswith(".safetensors") for name in names)
    stems = [name.removesuffix(Path(name).suffix) for name in names]
    variants = {
        stem.split(".")[1].split("-")[0] if "." in stem else None
        for stem, name in zip(stems, names, strict=True)
        if name.endswith(".safetensors") == is_safe
    }
    return is_safe, None if None in variants else sorted(filter(None, variants))[0]
