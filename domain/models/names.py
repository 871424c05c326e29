"""The names of a model. All APIs and the command line use the same rule.

A model is named by its id, the first digits of its id, one of its paths, the name of its file, that
name without its extension, or an alias, in this order.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.models.record import SHORT_ID, ModelKind, ModelRecord, PendingModel

__all__ = ["ModelNames", "NameIndex", "bearers", "may_bear", "stem_of", "vaes_beside"]

_OF_VAES = (".safetensors", ".pt", ".ckpt")
_DIGITS = re.compile(rf"[0-9a-f]{{{SHORT_ID},64}}")


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The names that the operator has configured.

    Attributes:
        default: The name of the default model; None for the first model by path.
        aliases: The name that each alias stands for. It is not an alias itself.
    """

    default: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)

    def meanings(self, wanted: str) -> tuple[str, ...]:
        """Return the names to look for in order: `wanted`, then the name that it stands for."""
        alias = self.aliases.get(wanted)
        return (wanted,) if alias is None else (wanted, alias)

    def stands_for(self, wanted: str, models: Iterable[ModelRecord]) -> str | None:
        """Return the name that the alias `wanted` stands for.

        It is None if `wanted` is not an alias, or if a model has the name itself.
        """
        return None if bearers(models, wanted) else self.aliases.get(wanted)


class NameIndex:
    """The names of some models, for many look-ups.

    Args:
        models: The models.
    """

    def __init__(self, models: Iterable[ModelRecord]) -> None:
        self._models = {model.id: model for model in models}
        self._ids = sorted(self._models)
        self._tables: list[dict[str, list[ModelRecord]]] = [{}, {}, {}]
        for model in self._models.values():
            for table, names in zip(self._tables, (_paths, _file_names, _stems), strict=True):
                for name in names(model):
                    table.setdefault(name, []).append(model)

    def bearers(
        self, wanted: str, *, first: ModelKind = ModelKind.CHECKPOINT
    ) -> tuple[ModelRecord, ...]:
        """Return the models that `wanted` names, as the function `bearers` does."""
        begun = self._begun(wanted.lower())
        if len(begun) == 1:
            return begun
        found = [table.get(wanted, []) for table in self._tables]
        of_kind = [[model for model in each if model.kind is first] for each in found]
        return tuple(next(filter(None, (*of_kind, *found)), begun))

    def _begun(self, digits: str) -> tuple[ModelRecord, ...]:
        if not _DIGITS.fullmatch(digits):
            return ()
        place = bisect_left(self._ids, digits)
        end = bisect_left(self._ids, digits + "g")  # the letter after the last hexadecimal digit
        return tuple(self._models[each] for each in self._ids[place:end])


def bearers(
    models: Iterable[ModelRecord], wanted: str, *, first: ModelKind = ModelKind.CHECKPOINT
) -> tuple[ModelRecord, ...]:
    """Return the models that `wanted` names, in the order of `models`. A name may be ambiguous.

    `wanted` is compared with these in turn, until a model has it: the id, or at least ten first
    digits that no other id has; a path; the last part of a path; that part without its extension.
    Names of models of the kind `first` come before names of other files. So a LoRA never hides its
    checkpoint, nor a checkpoint the LoRA that a request means.
    """
    models = tuple(models)
    digits = wanted.lower()
    begun: tuple[ModelRecord, ...] = ()
    if _DIGITS.fullmatch(digits):
        begun = tuple(model for model in models if model.id.startswith(digits))
    if len(begun) == 1:
        return begun
    of_kind = tuple(model for model in models if model.kind is first)
    for group in (of_kind, models):
        for names in (_paths, _file_names, _stems):
            if found := tuple(model for model in group if wanted in names(model)):
                return _without_parts(found)
    return begun


def _without_parts(found: tuple[ModelRecord, ...]) -> tuple[ModelRecord, ...]:
    """Return the models without the diffusion models of the sets among them: they share a name."""
    begun = {each.members[0].id for each in found if each.members}
    return tuple(each for each in found if each.members or each.id not in begun)


def may_bear(pending: PendingModel, wanted: str) -> bool:
    """Return whether a file may have this id or name after it is read."""
    if _DIGITS.fullmatch(wanted.lower()):
        return True
    return wanted in (pending.path, pending.name, _stem(pending.name))


def stem_of(model: ModelRecord) -> str:
    """Return the name of a model's file without its extension. A folder has none."""
    return _stem(model.name) if model.extension else model.name


def vaes_beside(path: str) -> tuple[str, ...]:
    """Return the paths that a VAE beside a checkpoint may have, the best one first.

    They are the checkpoint's without its extension, and `.vae.safetensors`, `.vae.pt` or
    `.vae.ckpt`, as AUTOMATIC1111's web UI has it (`modules/sd_vae.py`).
    """
    folder, slash, name = path.rpartition("/")
    begin = f"{folder}{slash}{_stem(name)}"
    return tuple(f"{begin}.vae{extension}" for extension in _OF_VAES)


def _paths(model: ModelRecord) -> set[str]:
    return set(model.paths)


def _file_names(model: ModelRecord) -> set[str]:
    return {model.name, *(path.rpartition("/")[2] for path in model.paths)}


def _stems(model: ModelRecord) -> set[str]:
    """Return the file names without their extensions. The name of a folder has no extension."""
    names = _file_names(model)
    return {_stem(name) for name in names} if model.extension else names


def _stem(name: str) -> str:
    """Return a file name without its extension, as `PurePosixPath.stem` has it."""
    place = name.rfind(".")
    return name[:place] if 0 < place < len(name) - 1 else name
