"""Inert stand-ins for the objects that a pickle names, makes and changes beside its tensors.

No class is imported, and no function is called. `pickles.uses` says why a file is refused.

A stand-in for an object of a class is a dictionary, because many tables of tensors are such
objects: `defaultdict`, `easydict.EasyDict`, and the networks that `torch.save` wrote as a whole.
"""

from dataclasses import dataclass

from domain.checkpoints.pickles.budget import PickleBudget
from domain.checkpoints.pickles.stored_tensors import name_text
from domain.checkpoints.pickles.uses import (
    METHODS,
    SPECIAL,
    is_class,
    may_be_called,
    may_be_named,
)

__all__ = ["OPAQUE", "GlobalName", "Opaque", "StandIns"]

# Bytes that CPython takes for an entry of a dictionary that grows, rounded up, and an empty one.
_ENTRY_BYTES, _TABLE_BYTES = 120, 64
_TABLES = ("_parameters", "_buffers", "_modules")
"""The attributes of a torch module with its tensors and its inner modules, by name."""
_FROM_TYPE = "torch._tensor._rebuild_from_type_v2"
_BASES = frozenset({"builtins.object", "builtins.dict", "builtins.list"})


@dataclass(frozen=True, slots=True)
class GlobalName:
    """The symbol of a function or class."""

    name: str


class Opaque:
    """The symbol of an object that a header reader does not need."""


OPAQUE = Opaque()


class StandIns:
    """Makes and changes the stand-ins in the pickles of one file.

    Attributes:
        unsafe: The names for which the file is refused, in order of appearance.
        unsupported: What cannot be followed without running it, in order of appearance.
    """

    def __init__(self, budget: PickleBudget) -> None:
        self.unsafe: dict[str, None] = {}
        self.unsupported: dict[str, None] = {}
        self._budget = budget

    def named(self, name: str, attribute: str) -> GlobalName:
        """Return the symbol of a name.

        Args:
            name: The whole name.
            attribute: The part of it that is not the name of a module. If it has several words, the
                first must be a class: `yaml.os.system` leads out of `yaml`.
        """
        outer, dot, _ = attribute.partition(".")
        if not may_be_named(name) or (dot and not is_class(outer)):
            self.unsafe[name] = None
        return GlobalName(name)

    def of_call(
        self, function: object, values: tuple[object, ...], *, is_new: bool = False
    ) -> object:
        """Return the stand-in for what a call returns; note the call if it is not allowed.

        Args:
            function: The symbol of what is called.
            values: The symbols of its arguments.
            is_new: Whether an object of a class is made without a call of the class.
        """
        if not isinstance(function, GlobalName):
            self.unsupported["a call of something that is not a function"] = None
            return OPAQUE
        name = function.name
        if name in SPECIAL:
            return self._of_special(name, values)
        if not is_new and not may_be_called(name):
            self.unsafe[name] = None
        if is_new or is_class(name) or name == "collections.defaultdict":
            self._budget.charge_memory(_TABLE_BYTES)
            return {}
        return OPAQUE

    def _of_special(self, name: str, values: tuple[object, ...]) -> object:
        first = values[0] if values else None
        if name.startswith("copyreg."):
            return self._remade(name, values)
        if isinstance(first, GlobalName):
            is_member = name == "builtins.getattr" and len(values) == 2 and is_class(first.name)
            if is_member and may_be_called(first.name) and _is_plain(values[1]):
                return OPAQUE
            if name == "operator.getitem" and first.name.startswith(("typing.", "builtins.")):
                return OPAQUE  # `typing.Optional[int]`; `named` has noted what must not be named
        if name == "builtins.type" and values == (None,):
            return OPAQUE  # the type of None
        self.unsafe[name] = None
        return OPAQUE

    def _remade(self, name: str, values: tuple[object, ...]) -> object:
        """Return the stand-in for an object of a class, as `copyreg` makes one (`copyreg.py`)."""
        made = values[0] if values else None
        if isinstance(made, GlobalName) and (made.name in SPECIAL or made.name == _FROM_TYPE):
            self.unsafe[made.name] = None
            return OPAQUE
        base = values[1] if len(values) > 1 else None
        is_plain = base is None or (isinstance(base, GlobalName) and base.name in _BASES)
        is_new = name != "copyreg._reconstructor" or is_plain
        found = self.of_call(made, (), is_new=is_new)
        state = values[2] if len(values) == 3 else None
        if is_plain and isinstance(state, dict) and isinstance(found, dict):
            self._copied(found, state)
        return found

    def filled(self, table: dict[object, object], items: list[object]) -> dict[object, object]:
        """Add the keys and values that alternate in `items` to `table`, and return it.

        Keys other than texts and integers of 64 bits are left out.
        """
        self._budget.charge_memory(_ENTRY_BYTES * (len(items) // 2))
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str):
                table[name_text(key)] = value
            elif type(key) is int and abs(key) < 2**63:
                table[str(key)] = value
        return table

    def built(self, target: object, state: object) -> None:
        """Follow an object's `__setstate__`: a module gets its tensors and its inner modules.

        A pair of tables has the attributes in `__dict__` and those in `__slots__`.
        """
        if isinstance(target, GlobalName):
            self.unsupported[f"a change of {target.name[:100]}"] = None
        for table in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            if not isinstance(table, dict):
                continue
            for method in METHODS & table.keys():
                if isinstance(found := table[method], GlobalName):
                    self.unsafe[found.name] = None
            for each in _TABLES:
                inner = table.get(each)
                if isinstance(target, dict) and isinstance(inner, dict):
                    self._copied(target, inner)

    def _copied(self, target: dict[object, object], source: dict[object, object]) -> None:
        self._budget.charge_instructions(len(source))
        self.filled(target, [part for pair in source.items() for part in pair])


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and not name.startswith("_")
