"""Finds the module of a checkpoint that each change of a LoRA is for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.checkpoints.additions.lora_layouts.forms import BIAS_ROLES, weight_problem
from domain.checkpoints.additions.lora_layouts.reading import LoraFile, LoraModule
from domain.checkpoints.additions.network_modules import Network, NetworkModule, NetworkModules

__all__ = ["LoraMatch", "MatchedModule", "match_lora"]


@dataclass(frozen=True, slots=True)
class MatchedModule:
    """A change, and the module of the checkpoint that it is for."""

    change: LoraModule
    target: NetworkModule


@dataclass(frozen=True, slots=True)
class LoraMatch:
    """What of a LoRA is applied to a checkpoint.

    Attributes:
        applied: The changes that are applied. Together with `unapplied` they are the whole file.
        unapplied: The names of the tensors that are not applied.
        problem: Why the LoRA cannot be used with the checkpoint; None if it can.
        warnings: What is not applied, if the LoRA can be used without it.
    """

    applied: tuple[MatchedModule, ...] = ()
    unapplied: tuple[str, ...] = ()
    problem: str | None = None
    warnings: tuple[str, ...] = ()


def match_lora(file: LoraFile, modules: NetworkModules) -> LoraMatch:
    """Return what of a LoRA is applied to the modules of a checkpoint.

    Every shape must fit. A module that the checkpoint does not have is a warning if the rest is a
    whole LoRA: all changes to the UNet, or in a file without such, all changes to a text encoder.
    """
    if file.problem is not None:
        return LoraMatch(problem=file.problem)
    applied, homeless = [], []
    for change in file.modules:
        target = _target(change, modules)
        if target is None:
            homeless.append(change)
        else:
            applied.append(MatchedModule(change, target))
    unapplied = (*file.unread, *(key for each in homeless for key in each.keys.values()))
    problem = next(_problems(file, applied, homeless), None)
    if problem is not None:
        return LoraMatch(unapplied=unapplied, problem=problem)
    return LoraMatch(
        tuple(applied), unapplied, warnings=tuple(_warnings(file.unread, homeless, len(applied)))
    )


def _target(change: LoraModule, modules: NetworkModules) -> NetworkModule | None:
    """Return the module of a change. A name that several networks have is told by the shapes."""
    found = [
        target
        for network in change.networks
        if (target := modules.find(change.name, network)) is not None
    ]
    fitting = (target for target in found if _shape_problem(change, target) is None)
    return next(fitting, found[0] if found else None)


def _shape_problem(change: LoraModule, target: NetworkModule) -> str | None:
    for role in BIAS_ROLES:
        if role not in change.facts:
            continue
        shape = change.facts[role].shape
        if target.bias is None:
            return f"it changes a bias by {role}, and the checkpoint's module has none"
        if shape != target.bias:
            return f"its {role} has the shape {shape}, and the bias {target.bias}"
    return weight_problem(change.form, change.facts, target.weight)


def _problems(
    file: LoraFile, applied: Sequence[MatchedModule], homeless: Sequence[LoraModule]
) -> Iterator[str]:
    if not applied:
        yield (
            f"the checkpoint has none of its {len(file.modules)} modules, such as "
            f"{_quoted(homeless[0].label)}"
        )
    for each in applied:
        if (problem := _shape_problem(each.change, each.target)) is not None:
            yield f"its module {_quoted(each.change.label)} does not fit: {problem}"
    counts = Counter(each.target for each in applied)
    twice = [each for each in applied if counts[each.target] > 1]
    if twice:
        labels = " and ".join(
            _quoted(each.change.label) for each in twice if each.target == twice[0].target
        )
        yield f"it changes one module several times: {labels}"
    yield from _gaps(file, applied, homeless)


def _gaps(
    file: LoraFile, applied: Sequence[MatchedModule], homeless: Sequence[LoraModule]
) -> Iterator[str]:
    """Yield what is missing from the LoRA if the rest is not a whole one."""
    there = {each.target.network for each in applied}
    lacking = {each.networks[0] for each in homeless}
    of_unet = [each for each in homeless if each.networks[0] is Network.UNET]
    if of_unet:
        yield (
            f"the checkpoint's UNet lacks {len(of_unet)} of its {len(file.modules)} modules, such "
            f"as {_quoted(of_unet[0].label)}"
        )
    elif Network.UNET not in there and there <= lacking:
        yield (
            f"the checkpoint lacks {len(homeless)} of its {len(file.modules)} modules, such as "
            f"{_quoted(homeless[0].label)}"
        )
    unread = [key for key in file.unread if key.startswith(_OF_NETWORKS)]
    if unread:
        yield (
            f"{len(unread)} of its tensors are of a form that cannot be applied, such as "
            f"{_quoted(unread[0])}"
        )


_OF_NETWORKS = ("lora_", "lycoris_", "unet.", "text_encoder", "base_model.", "diffusion_model.")
"""The first letters of tensors that change a network. A file may hold others beside them."""


def _warnings(unread: Sequence[str], homeless: Sequence[LoraModule], applied: int) -> Iterator[str]:
    if homeless:
        titles = _counted(homeless)
        are = "is" if len(homeless) == 1 else "are"
        yield (
            f"{len(homeless)} of the {applied + len(homeless)} modules {are} not applied, because "
            f"the checkpoint does not have them ({titles}), such as {_quoted(homeless[0].label)}"
        )
    if unread:
        what = "1 tensor is" if len(unread) == 1 else f"{len(unread)} tensors are"
        yield f"{what} not applied, such as {_quoted(unread[0])}"


def _counted(modules: Sequence[LoraModule]) -> str:
    counts: Mapping[Network, int] = Counter(each.networks[0] for each in modules)
    return ", ".join(f"{count} of the {network.in_words}" for network, count in counts.items())


def _quoted(name: str) -> str:
    return ascii(name[:120])
