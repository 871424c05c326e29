"""How a model is named: one rule for every door.

In this order a model is named by its id, the first digits of its id, one of its paths, the name of
its file, that name without its extension, or an alias.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from domain.models.record import SHORT_ID, ModelKind, ModelRecord, PendingModel

__all__ = ["ModelNames", "bearers", "may_bear"]

_DIGITS = re.compile(rf"[0-9a-f]{{{SHORT_ID},64}}")


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The names that the service's operator has given.

    Attributes:
        default: Names the model of requests that name none; None for the first by path.
        aliases: What each further name stands for: a name by the rule, which is not an alias.
    """

    default: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)

    def meanings(self, wanted: str) -> tuple[str, ...]:
        """What to look for, in this order: `wanted`, then what it is an alias of."""
        alias = self.aliases.get(wanted)
        return (wanted,) if alias is None else (wanted, alias)

    def stands_for(self, wanted: str, models: Iterable[ModelRecord]) -> str | None:
        """What `wanted` is an alias of; None where it is none, or a model has the name itself."""
        return None if bearers(models, wanted) else self.aliases.get(wanted)


def bearers(models: Iterable[ModelRecord], wanted: str) -> tuple[ModelRecord, ...]:
    """Those of `models` that `wanted` names, in their order; several for an unclear name.

    The first of these that any model has counts: the id or at least ten first digits of it, which
    no other id begins with; a path; the last part of a path; that part without its extension. Of
    the names, those of checkpoints come first, so a LoRA never hides the checkpoint it is for.
    """
    models = tuple(models)
    digits = wanted.lower()
    begun: tuple[ModelRecord, ...] = ()
    if _DIGITS.fullmatch(digits):
        begun = tuple(model for model in models if model.id.startswith(digits))
    if len(begun) == 1:
        return begun
    checkpoints = tuple(model for model in models if model.kind is ModelKind.CHECKPOINT)
    for group in (checkpoints, models):
        for names in (_paths, _file_names, _stems):
            if found := tuple(model for model in group if wanted in names(model)):
                return found
    return begun


def may_bear(pending: PendingModel, wanted: str) -> bool:
    """Whether a file may have this id or name once it is read."""
    if _DIGITS.fullmatch(wanted.lower()):
        return True
    return wanted in (pending.path, pending.name, PurePosixPath(pending.name).stem)


def _paths(model: ModelRecord) -> set[str]:
    return set(model.paths)


def _file_names(model: ModelRecord) -> set[str]:
    return {model.name, *(PurePosixPath(path).name for path in model.paths)}


def _stems(model: ModelRecord) -> set[str]:
    """A folder has no extension, whatever its name holds."""
    names = _file_names(model)
    return {PurePosixPath(name).stem for name in names} if model.extension else names
