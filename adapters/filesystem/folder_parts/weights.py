"""Which files contain the weights of a part, and which of them are missing.

Weights are one file, or several shards `…-00001-of-00003.…` with an index that says which tensor is
in which shard. A variant precedes the extension, as in `model.fp16.safetensors`. The names are
those of diffusers (`utils/constants.py`) and transformers (`utils/__init__.py`).
"""

import json
import re
from collections.abc import Callable, Collection

from adapters.filesystem.headers.values import shown

__all__ = ["used_weights", "weights_problem"]

_FORMS = (".safetensors", ".bin")
_NAMES = ("diffusion_pytorch_model", "model", "pytorch_model")
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\..*)")
_CONFIGURATION = "config.json"
_MOST_SHARDS = 1000


def used_weights(files: Collection[str]) -> tuple[str, ...]:
    """Return the files of a part's folder from which the loader reads its weights, sorted.

    Files with other names, such as a trainer's `optimizer.bin`, are not among them. Safetensors
    files are preferred, and so is the plain variant, as
    `adapters/diffusion/loading/folder_loader.py` chooses.
    """
    for form in _FORMS:
        found = sorted(name for name in files if name.startswith(_NAMES) and name.endswith(form))
        if found:
            variants = {_variant(name, form) for name in found}
            chosen = None if None in variants else min(filter(None, variants))
            return tuple(name for name in found if _variant(name, form) == chosen)
    return ()


def _variant(name: str, form: str) -> str | None:
    stem = name.removesuffix(form)
    return stem.split(".")[1].split("-")[0] if "." in stem else None


def weights_problem(part: str, files: Collection[str], read: Callable[[str], bytes]) -> str | None:
    """Return what a part with weights lacks.

    Args:
        part: The name of its folder.
        files: The names of the files in it.
        read: Returns the content of one of them.
    """
    used = used_weights(files)
    if not used:
        return f"its {part} has no weights, such as {_NAMES[0]}{_FORMS[0]}"
    if _CONFIGURATION not in files:
        return f"its {part}/{_CONFIGURATION} is missing"
    shards = [match for match in map(_SHARD.fullmatch, used) if match is not None]
    if not shards or len(shards) < len(used):  # a complete file is preferred to shards
        return None
    start, _, total, end = shards[0].groups()
    count = int(total)
    if count > _MOST_SHARDS:
        return f"its {part} has more shards than any model: {count:,}"
    for number in range(1, count + 1):
        name = f"{start}-{number:05}-of-{total}{end}"
        if name not in files:
            return f"its {part}/{shown(name)} is missing, one of {count} shards"
    return _index_problem(part, start + end, used, files, read)


def _index_problem(
    part: str,
    whole: str,
    used: Collection[str],
    files: Collection[str],
    read: Callable[[str], bytes],
) -> str | None:
    """Return what is wrong with the index of the shards `used`; ignore other variants' indexes."""
    indexes = sorted(name for name in files if ".index." in name and name.endswith(".json"))
    if not indexes:
        return f"its {part}/{shown(whole)}.index.json is missing, which says what is in which shard"
    for name in indexes:
        shards = _shards_of(read(name))
        absent = sorted(shards - set(files))
        if absent and (len(indexes) == 1 or shards & set(used)):
            return f"its {part}/{shown(absent[0])} is missing, which {shown(name)} names"
    return None


def _shards_of(index: bytes) -> set[str]:
    """Return the files that an index names; none for an index that the loader will refuse."""
    try:
        return {str(shard) for shard in json.loads(index)["weight_map"].values()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return set()
