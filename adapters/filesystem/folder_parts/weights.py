"""Whether the weights of a part are whole, as far as the names of its files tell."""

import json
import re
from collections.abc import Callable, Collection

from adapters.filesystem.headers.values import shown
from domain.checkpoints.folder_weights import index_name, plain_names, used_weights

__all__ = ["weights_problem"]

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\..*)")
_CONFIGURATION = "config.json"
_MOST_SHARDS = 1000


def weights_problem(
    part: str, files: Collection[str], read: Callable[[str], bytes], library: str | None = None
) -> str | None:
    """Return what a part with weights lacks.

    Args:
        part: The name of its folder.
        files: The names of the files in it.
        read: Returns the content of one of them.
        library: The library of the part's class.
    """
    used = used_weights(files, library)
    if not used:
        names = plain_names(library)
        return f"its {part} has no weights: there is no {part}/{names[0]} and no {part}/{names[-1]}"
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
    return _index_problem(part, index_name(files, library), files, read)


def _index_problem(
    part: str, index: str | None, files: Collection[str], read: Callable[[str], bytes]
) -> str | None:
    """Return what is wrong with the index of the used shards; that of others is not read."""
    if index is None or index not in files:
        return f"its {part}/{shown(index or '')} is missing, which says what is in which shard"
    absent = sorted(_shards_of(read(index)) - set(files))
    if absent:
        return f"its {part}/{shown(absent[0])} is missing, which {shown(index)} names"
    return None


def _shards_of(index: bytes) -> set[str]:
    """Return the files that an index names; none for an index that the loader will refuse."""
    try:
        return {str(shard) for shard in json.loads(index)["weight_map"].values()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return set()
