"""Reads the names, types and shapes of a LoRA's tensors as changes to modules."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.checkpoints.additions.lora_layouts.forms import (
    Form,
    Role,
    form_of,
    form_problem,
    rank_of,
)
from domain.checkpoints.additions.lora_layouts.names import TensorName, tensor_name
from domain.checkpoints.additions.network_modules import Network
from domain.checkpoints.header_values import TensorFacts

__all__ = ["LoraFile", "LoraModule", "read_lora"]


@dataclass(frozen=True, slots=True)
class LoraModule:
    """The change to one module.

    Attributes:
        name: The name of the module, in the naming of the file.
        networks: The networks that the module may be in.
        form: How the tensors make the change.
        keys: The name of each tensor in the file.
        facts: The type and shape of each tensor.
        label: The name with its prefix, for messages.
    """

    name: str
    networks: tuple[Network, ...]
    form: Form
    keys: Mapping[Role, str]
    facts: Mapping[Role, TensorFacts]
    label: str

    @property
    def rank(self) -> int | None:
        """The number that divides alpha; None for a form that has none."""
        return rank_of(self.form, self.facts)


@dataclass(frozen=True, slots=True)
class LoraFile:
    """The content of a file.

    Attributes:
        modules: The changes, in the order of the file.
        unread: The names of tensors that cannot be applied.
        problem: Why no checkpoint can be drawn with the file; None if it is whole.
    """

    modules: tuple[LoraModule, ...]
    unread: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def rank(self) -> int | None:
        """The largest rank of its changes; None if they have none."""
        return max((each.rank for each in self.modules if each.rank is not None), default=None)


@dataclass(slots=True)
class _Group:
    name: TensorName
    keys: dict[Role, str] = field(default_factory=dict)


def read_lora(tensors: Mapping[str, TensorFacts]) -> LoraFile:
    """Return the changes that a file holds. Each tensor is in a module, or in `unread`."""
    groups, unread = _groups(tensors)
    modules, problem = [], None
    for group in groups:
        form = form_of(group.keys)
        if form is None:
            unread += group.keys.values()
            continue
        facts = {role: tensors[key] for role, key in group.keys.items()}
        label = group.name.prefix + group.name.module
        found = form_problem(form, facts)
        if found is not None:
            problem = problem or f"{label[:120]!a} is not a whole {form}: {found}"
            unread += group.keys.values()
            continue
        modules.append(
            LoraModule(group.name.module, group.name.networks, form, group.keys, facts, label)
        )
    if not modules and problem is None:
        problem = f"it holds nothing that can be applied: {_named(unread)}"
    return LoraFile(tuple(modules), tuple(unread), problem)


def _groups(tensors: Mapping[str, TensorFacts]) -> tuple[list[_Group], list[str]]:
    """Return the tensors of each module, and the names that belong to none."""
    groups: dict[tuple[str, str], _Group] = {}
    unread = []
    for key in tensors:
        name = tensor_name(key)
        if name is None:
            unread.append(key)
            continue
        group = groups.setdefault((name.prefix, name.module), _Group(name))
        if name.role in group.keys:  # two spellings of one name
            unread.append(key)
        else:
            group.keys[name.role] = key
    return list(groups.values()), unread


def _named(unread: list[str]) -> str:
    if not unread:
        return "it has no tensors"
    return f"{len(unread)} tensors have names of no known form, such as {unread[0][:120]!a}"
