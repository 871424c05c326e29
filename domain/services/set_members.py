"""Chooses the files of a set among all files of the folders."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType

from domain.models.components import ComponentType, Need
from domain.models.names import stem_of
from domain.models.record import ModelRecord

__all__ = ["Candidates"]

_PRECISIONS: Mapping[str | None, int] = MappingProxyType(
    {**dict.fromkeys(("float16", "bfloat16", "float32", "float64"), 0), "mixed": 1}
)
"""The rank of the precisions of weights: whole numbers of 16 bits or more come first."""
_SEPARATORS = ".-_ "


class Candidates:
    """The files that hold text encoders and autoencoders.

    Args:
        records: Models with a component. The order does not matter.
    """

    def __init__(self, records: Iterable[ModelRecord]) -> None:
        self._by_type: dict[ComponentType, list[ModelRecord]] = {}
        self._by_stem: dict[str, list[ModelRecord]] = {}
        for record in sorted(records, key=lambda each: each.path):
            if record.component is None or record.component.pipeline is not None:
                continue
            self._by_type.setdefault(record.component.type, []).append(record)
            for start in _starts(stem_of(record)):
                self._by_stem.setdefault(start, []).append(record)
        self._nearest: dict[tuple[str, Need], ModelRecord | None] = {}

    def best(self, drawing: ModelRecord, need: Need) -> ModelRecord | None:
        """Return the file that fills a need of a diffusion model; None if there is none.

        The first of these rules that tells two files apart decides:

        1. A file that is named like the diffusion model: `a.vae.safetensors` beside
           `a.safetensors`, in any folder.
        2. A file that is known to be of the kind that is needed.
        3. The file in the nearest folder, by the steps from folder to folder.
        4. The file with weights of 16 bits or more.
        5. The first file by its path.

        The rules compare two files with each other, so a file that loses changes nothing.
        """
        named = [each for each in self._by_stem.get(stem_of(drawing), ()) if _fits(need, each)]
        if named:
            return min(named, key=lambda each: _rank(drawing.paths, need, each))
        folders = "\n".join(sorted({_folder(path) for path in drawing.paths}))
        key = (folders, need)
        if key not in self._nearest:
            fitting = (each for each in self._by_type.get(need.type, ()) if _fits(need, each))
            self._nearest[key] = min(
                fitting, key=lambda each: _rank(drawing.paths, need, each), default=None
            )
        return self._nearest[key]


def _fits(need: Need, record: ModelRecord) -> bool:
    return record.component is not None and need.fits(record.component)


def _rank(paths: tuple[str, ...], need: Need, record: ModelRecord) -> tuple[bool, int, int, str]:
    is_certain = record.component is not None and need.is_certain(record.component)
    steps = min(
        _steps(_folder(one), _folder(other)) for one in set(paths) for other in set(record.paths)
    )
    return not is_certain, steps, _PRECISIONS.get(record.precision, 2), record.path


def _starts(stem: str) -> Iterator[str]:
    """Yield the name of a file, and each beginning of it that a separator ends."""
    yield stem
    for place, letter in enumerate(stem):
        if letter in _SEPARATORS and place:
            yield stem[:place]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


@lru_cache(4096)
def _folders(path: str) -> tuple[str, ...]:
    return PurePosixPath(path).parts


def _steps(one: str, other: str) -> int:
    """Return the steps from one folder to another, up and down."""
    ways = _folders(one), _folders(other)
    common = 0
    for first, second in zip(*ways, strict=False):
        if first != second:
            break
        common += 1
    return sum(map(len, ways)) - 2 * common
