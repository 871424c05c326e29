"""Merges LoRAs into the weights of a pipeline, without touching the pipeline."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from adapters.diffusion.additions.lora.changes import Change, add_bias_change, add_weight_change
from adapters.diffusion.additions.lora.loaded import LoadedLora
from adapters.diffusion.pipeline import Pipeline
from domain.checkpoints.additions.lora_layouts import MatchedModule, Role, match_lora
from domain.checkpoints.additions.lora_layouts.forms import BIAS_ROLES, Form
from domain.checkpoints.additions.network_modules import Network, NetworkModule, NetworkModules
from domain.checkpoints.configurations.json_text import UnusableConfiguration
from domain.errors import AddonMismatch, FieldProblem, ModelNotLoadable

__all__ = [
    "ChangedWeight",
    "MergedWeight",
    "ScaledLora",
    "changed_weights",
    "merged_weights",
    "network_modules",
]

_TEXT_MODEL = "text_model."
_Place = tuple[Network, str, str]


@dataclass(frozen=True, slots=True)
class ScaledLora:
    """A LoRA of a request.

    Attributes:
        lora: The loaded file.
        scale: The scale of all of its changes.
        field: The field of the request that names it.
    """

    lora: LoadedLora
    scale: float
    field: str


@dataclass(frozen=True, slots=True)
class MergedWeight:
    """A parameter of the pipeline, and the tensor that stands in its place with the LoRAs."""

    parameter: torch.nn.Parameter
    merged: torch.Tensor


@dataclass(frozen=True, slots=True)
class ChangedWeight:
    """A parameter of the pipeline, and the changes to it."""

    parameter: torch.nn.Parameter
    is_bias: bool
    changes: tuple[tuple[ScaledLora, MatchedModule], ...]


def network_modules(pipeline: Pipeline) -> NetworkModules:
    """Return the modules of a pipeline that LoRAs may change, by all of their names."""
    return NetworkModules(_modules(_parameters(pipeline)))


def changed_weights(pipeline: Pipeline, loras: Sequence[ScaledLora]) -> tuple[ChangedWeight, ...]:
    """Return the weights that LoRAs change.

    Raises:
        AddonMismatch: A LoRA does not fit the networks. The row names the field.
    """
    parameters, modules = _parameters(pipeline), network_modules(pipeline)
    found: dict[_Place, list[tuple[ScaledLora, MatchedModule]]] = {}
    problems = []
    for each in loras:
        match = match_lora(each.lora.file, modules)
        if match.problem is not None:
            problems.append(FieldProblem(each.field, f"names {each.lora.name}: {match.problem}"))
        for module in match.applied if each.scale else ():
            for parameter in _changed_parameters(module):
                place = (module.target.network, module.target.name, parameter)
                found.setdefault(place, []).append((each, module))
    if problems:
        raise AddonMismatch(problems)
    return tuple(
        ChangedWeight(parameters[place], place[2] == "bias", tuple(changes))
        for place, changes in found.items()
    )


def merged_weights(
    changed: Sequence[ChangedWeight], device: torch.device, tick: Callable[[], None]
) -> Iterator[MergedWeight]:
    """Yield the weights with their changes: W + Σ scale × alpha / rank × ΔW.

    The sum is computed in float32, and rounded once to the precision of the weight. Each result is
    where the weight is, with the same order of numbers in memory.

    Args:
        changed: The weights and their changes.
        device: Computes.
        tick: Called before each weight. Its exception ends the work.
    """
    largest = max((each.parameter.numel() for each in changed), default=0)
    # A tensor of the inference mode is of another kind, for which compiled code is compiled anew.
    with torch.inference_mode(mode=False):
        # The system clears memory that is new to the process, so one part of it serves all sums.
        sums = torch.empty(largest, dtype=torch.float32, device=device)
    for each in changed:
        tick()
        yield MergedWeight(each.parameter, _merged(each, device, sums))


def _merged(weight: ChangedWeight, device: torch.device, sums: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode(mode=False), torch.no_grad():
        original = weight.parameter.detach()
        matrix = original.reshape(len(original), -1)
        total = sums[: matrix.numel()].view(matrix.shape).copy_(matrix)
        for scaled, module in weight.changes:
            change = _change(scaled.lora, module, device)
            if weight.is_bias:
                add_bias_change(total[:, 0], change, scaled.scale)
            else:
                add_weight_change(total, original, change, scaled.scale)
        return torch.empty_like(original).copy_(total.view(original.shape))


def _change(lora: LoadedLora, module: MatchedModule, device: torch.device) -> Change:
    def tensor(role: Role) -> torch.Tensor:
        return lora.tensor(module, role).to(device, torch.float32)

    try:
        factor = lora.factor(module)
    except UnusableConfiguration as error:
        raise ModelNotLoadable(error.reason, lora.name, lasting=True) from error
    change = module.change
    return Change(change.form, frozenset(change.keys), tensor, factor=factor, label=change.label)


def _changed_parameters(module: MatchedModule) -> Iterator[str]:
    if module.change.form is not Form.BIAS:
        yield "weight"
    if any(role in module.change.keys for role in BIAS_ROLES):
        yield "bias"


def _parameters(pipeline: Pipeline) -> dict[_Place, torch.nn.Parameter]:
    """Return the parameters that a LoRA may change."""
    found: dict[_Place, torch.nn.Parameter] = {}
    for network in Network:
        part = pipeline.components.get(network)
        if isinstance(part, torch.nn.Module):
            for name, parameter in part.named_parameters():
                module, _, own = name.removeprefix(_TEXT_MODEL).rpartition(".")
                if own in ("weight", "bias"):
                    found[network, module, own] = parameter
    return found


def _modules(parameters: Mapping[_Place, torch.nn.Parameter]) -> Iterator[NetworkModule]:
    for network, name in dict.fromkeys((network, name) for network, name, _ in parameters):
        weight, bias = (
            None if (found := parameters.get((network, name, own))) is None else tuple(found.shape)
            for own in ("weight", "bias")
        )
        yield NetworkModule(network, name, weight, bias)
