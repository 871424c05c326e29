"""Files that hold components of the newer pipelines: networks that draw, text encoders, VAEs."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.filesystem.classification.addons import lora_tensors
from adapters.filesystem.classification.checkpoints import is_checkpoint
from adapters.filesystem.headers.values import Header
from domain.checkpoints.pipelines import pipeline_inputs
from domain.checkpoints.sets import PlacedComponent, components_in
from domain.checkpoints.sets.outside import outside_names
from domain.checkpoints.unused import unexpected_reason
from domain.models.components import Component, ComponentType
from domain.models.kinds import ModelFamily, ModelInput, ModelKind

__all__ = ["PartOfASet", "part_of_a_set"]

_CHANNELS_OF_ADDONS = 4
"""The channels of the latents of Stable Diffusion 1, 2 and XL, whose VAEs are add-ons."""
_VAES = frozenset(each for each in ComponentType if each.startswith("vae"))


@dataclass(frozen=True, slots=True)
class PartOfASet:
    """A file with a component of a newer pipeline, or with all of its components.

    Attributes:
        kind: A checkpoint if it holds all components that have to be there.
        component: The network that draws, or else the text encoder or the VAE.
        family: The family of the network that draws; None for other components.
        problem: Why it cannot be used; None if it can.
        pipeline_inputs: As `Classification.pipeline_inputs`.
    """

    kind: ModelKind
    component: Component
    family: ModelFamily | None
    problem: str | None
    pipeline_inputs: tuple[ModelInput, ...]


def part_of_a_set(header: Header) -> PartOfASet | None:
    """Return the component in a file; None for add-ons and for Stable Diffusion 1, 2 and XL."""
    found = components_in(header.tensors)
    if not found or lora_tensors(header.tensors):
        return None
    first = found[0]
    kind = _kind(first)
    if kind is not ModelKind.DIFFUSION_MODEL and is_checkpoint(header.tensors):
        return None  # the parts of a checkpoint of Stable Diffusion 1, 2 or XL
    if first.component.type is ComponentType.VAE_KL and (
        first.component.width == _CHANNELS_OF_ADDONS
    ):
        return None
    is_whole = kind is ModelKind.DIFFUSION_MODEL and first.component.is_whole
    pipeline = first.component.pipeline
    return PartOfASet(
        ModelKind.CHECKPOINT if is_whole else kind,
        first.component,
        first.family,
        first.problem or _outside_problem(header, found),
        tuple(ModelInput) if pipeline is None else pipeline_inputs(pipeline),
    )


def _outside_problem(header: Header, found: Sequence[PlacedComponent]) -> str | None:
    left = list(outside_names(found, header.tensors))
    return unexpected_reason("model", left) if left else None


def _kind(placed: PlacedComponent) -> ModelKind:
    if placed.component.type is ComponentType.TRANSFORMER:
        return ModelKind.DIFFUSION_MODEL
    return ModelKind.VAE if placed.component.type in _VAES else ModelKind.TEXT_ENCODER
