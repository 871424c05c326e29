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
"""The rank of the precisions of weights: plain numbers of 16 bits or more come first."""
_SEPARATORS = ".-_ "

_Folder = tuple[str, ...]
_Rank = tuple[bool, int, int, str]
"""Whether its kind is uncertain, the steps to its folder, the rank of its precision, its path."""


class Candidates:
    """The files that hold text encoders and autoencoders.

    Args:
        records: Models with a component. The order does not matter.
    """

    def __init__(self, records: Iterable[ModelRecord]) -> None:
        self._by_type: dict[ComponentType, list[ModelRecord]] = {}
        self._by_stem: dict[str, list[ModelRecord]] = {}
        for record in records:
            if record.component is None or record.component.pipeline is not None:
                continue
            self._by_type.setdefault(record.component.type, []).append(record)
            for start in _starts(stem_of(record)):
                self._by_stem.setdefault(start, []).append(record)
        self._nearest: dict[tuple[Need, str | None], _Nearest] = {}

    def best(self, drawing: ModelRecord, need: Need) -> ModelRecord | None:
        """Return the file that fills a need of a diffusion model; None if there is none.

        The first of these rules that tells two files apart decides:

        1. A file that is named like the diffusion model: `a.vae.safetensors` or `a_vae.safetensors`
           for `a.safetensors`, in any folder.
        2. A file that is known to be of the kind that is needed.
        3. The file in the nearest folder, by the steps from folder to folder.
        4. The file with weights of 16 bits or more.
        5. The first file by its path.

        The rules compare two files with each other, so a file that loses changes nothing.
        """
        stem = stem_of(drawing)
        named = self._among(need, stem, self._by_stem.get(stem, ()))
        return named.to(drawing) or self._among(need, None, self._by_type.get(need.type, ())).to(
            drawing
        )

    def _among(self, need: Need, stem: str | None, records: Iterable[ModelRecord]) -> "_Nearest":
        key = need, stem
        if (known := self._nearest.get(key)) is None:
            known = self._nearest[key] = _Nearest(need, records)
        return known


class _Nearest:
    """The best file that fills a need below each folder.

    So the best file for a diffusion model is found among the folders above it, however many files
    there are.
    """

    def __init__(self, need: Need, records: Iterable[ModelRecord]) -> None:
        self._below: dict[_Folder, tuple[_Rank, ModelRecord]] = {}
        for record in records:
            if record.component is None or not need.fits(record.component):
                continue
            is_uncertain = not need.is_certain(record.component)
            precision = _PRECISIONS.get(record.precision, 2)
            for folder in map(_folder_of, record.paths):
                for steps in range(len(folder) + 1):
                    above = folder[: len(folder) - steps]
                    rank = (is_uncertain, steps, precision, record.path)
                    known = self._below.get(above)
                    if known is None or rank < known[0]:
                        self._below[above] = rank, record

    def to(self, drawing: ModelRecord) -> ModelRecord | None:
        """Return the best file for a diffusion model; None if there is none."""
        ranked = [
            ((rank[0], rank[1] + steps, *rank[2:]), record)
            for folder in (map(_folder_of, drawing.paths) if self._below else ())
            for steps in range(len(folder) + 1)
            for rank, record in filter(None, [self._below.get(folder[: len(folder) - steps])])
        ]
        return min(ranked, key=lambda each: each[0])[1] if ranked else None


def _starts(stem: str) -> Iterator[str]:
    """Yield the name of a file, and each beginning of it that a separator ends."""
    yield stem
    for place, letter in enumerate(stem):
        if letter in _SEPARATORS and place:
            yield stem[:place]


def _folder_of(path: str) -> _Folder:
    return _parts(path.rpartition("/")[0])


@lru_cache(4096)
def _parts(folder: str) -> _Folder:
    return PurePosixPath(folder).parts
