"""Classifies a model file by its header alone: what it is, and whether it can draw."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from adapters.filesystem.cards.metadata import card_in
from adapters.filesystem.classification.addons import Addon, addon_of, lora_tensors
from adapters.filesystem.classification.checkpoints import (
    VAE,
    checkpoint_family,
    is_checkpoint,
    is_only_the_network,
    why_not_loadable,
)
from adapters.filesystem.classification.dangers import beside_tensors, danger_in
from adapters.filesystem.classification.embedded import configuration_problem
from adapters.filesystem.classification.extras import (
    quantised_part,
    unreadable_codes,
)
from adapters.filesystem.classification.native_sizes import native_size_of_file
from adapters.filesystem.classification.optional import spandrel_is_installed
from adapters.filesystem.classification.sets import PartOfASet, part_of_a_set
from adapters.filesystem.headers.values import Header, shown
from adapters.filesystem.training import recorded_training, told_by_header
from domain.checkpoints.configurations import (
    CONFIGURATION_FILES,
)
from domain.checkpoints.distilled.recognising import distilled_by_header
from domain.checkpoints.names import GUIDANCE_INPUT
from domain.checkpoints.notes import checkpoint_note, joined_notes
from domain.checkpoints.others import other_file
from domain.checkpoints.parameters import parameters_of
from domain.checkpoints.training import Told, UnusableTraining
from domain.checkpoints.upscalers import (
    UnusableUpscaler,
    needs_spandrel,
    other_architecture,
    upscaler_network,
)
from domain.models.card import NO_CARD, ModelCard
from domain.models.components import Component
from domain.models.defaults import NO_DEFAULTS, ModelDefaults
from domain.models.distilled import Distilled
from domain.models.kinds import base_family
from domain.models.record import ModelFamily, ModelInput, ModelKind
from domain.sizes import Size

__all__ = ["Classification", "classify"]

_COMPANIONS = frozenset(ModelKind) - {
    *(ModelKind.CHECKPOINT, ModelKind.DIFFUSION_MODEL, ModelKind.TEXT_ENCODER, ModelKind.UNKNOWN),
}
_REASONS = {
    ModelKind.DIFFUSION_MODEL: "it draws together with text encoders and a VAE, which are in other "
    "files",
    ModelKind.TEXT_ENCODER: "it is a text encoder, one part of a model; choose a checkpoint to "
    "draw",
    ModelKind.LORA: "it is a LoRA, which changes a checkpoint; choose a checkpoint to draw",
    ModelKind.VAE: "it is a VAE, one part of a checkpoint; choose a checkpoint to draw",
    ModelKind.EMBEDDING: "it is an embedding, a word for prompts; choose a checkpoint to draw",
    ModelKind.CONTROLNET: "it is a ControlNet, which steers a checkpoint; choose a checkpoint to "
    "draw",
    ModelKind.UPSCALER: "it is an upscaler, which enlarges pictures; choose a checkpoint to draw",
    ModelKind.UNKNOWN: "it is not a kind of model file that the service knows",
}
_VAE_OF_A_SET = "it is a VAE, one part of a model; a diffusion model that needs it draws with it"


@dataclass(frozen=True, slots=True)
class Classification:
    """The classification of a model file.

    Attributes:
        kind: What it is for.
        family: The published architecture, if it is one.
        precision: Element type of the weights by torch's name, "mixed" for several, None for none.
        loadable: True if pictures can be drawn with it.
        reason: Why it is not loadable, for a user to read; None if it is.
        card: The description in its metadata.
        fault: Why it is useless, even as a part of a folder; None if it is not.
        native_size: The size of the pictures that it was trained with; None if unknown.
        note: A sentence for every client that draws with it, which continues after its name; None
            if there is nothing to say.
        scale: The factor by which an upscaler enlarges each side. None for other kinds, for an
            upscaler that cannot be used, and for one that tells its factor only when it is loaded.
        pipeline_inputs: As `ModelRecord.pipeline_inputs`; never empty.
        is_companion: Whether a request can name it beside a checkpoint.
        base: As `ModelRecord.base`.
        trigger_words: As `ModelRecord.trigger_words`.
        rank: As `ModelRecord.rank`.
        told: What the model says of its training.
        distilled: What the header says of a distillation; None if it says nothing.
        defaults: What the header tells of `ModelRecord.defaults`. It names no VAE.
        lacks_vae: As `ModelRecord.lacks_vae`.
        component: As `ModelRecord.component`.
        parameters: As `ModelRecord.parameters`.
    """

    kind: ModelKind
    family: ModelFamily | None
    precision: str | None
    loadable: bool
    reason: str | None
    card: ModelCard = NO_CARD
    fault: str | None = None
    native_size: Size | None = None
    note: str | None = None
    scale: int | None = None
    pipeline_inputs: tuple[ModelInput, ...] = tuple(ModelInput)
    is_companion: bool = False
    base: ModelFamily | None = None
    trigger_words: tuple[str, ...] = ()
    rank: int | None = None
    told: tuple[Told, ...] = ()
    distilled: Distilled | None = None
    defaults: ModelDefaults = NO_DEFAULTS
    lacks_vae: bool = False
    component: Component | None = None
    parameters: int | None = None


def classify(header: Header) -> Classification:
    """Classify a file by the names, types and shapes in its header."""
    return dataclasses.replace(_classified(header), parameters=parameters_of(header.tensors))


def _classified(header: Header) -> Classification:
    if (part := part_of_a_set(header)) is not None:
        return _of_a_set(header, part)
    lora = lora_tensors(header.tensors)
    others = {name: each for name, each in header.tensors.items() if name not in lora}
    # Some merged checkpoints hold a few tensors of a LoRA. A LoRA holds few other tensors.
    if is_checkpoint(others) and len(others) > len(lora):
        kind, family = ModelKind.CHECKPOINT, checkpoint_family(header)
        addon = Addon(kind, base_family(family))
    else:
        addon = addon_of(header)
        kind, family = addon.kind, addon.base
    scale, unusable = None, addon.fault
    if kind is ModelKind.UNKNOWN:
        is_upscaler, scale, unusable = _upscaler(header)
        kind = ModelKind.UPSCALER if is_upscaler else kind
    if (rest := _without_parts(header, kind, family)) is not None:
        kind, unusable = rest[0], unusable or rest[1]
    if kind is not ModelKind.CHECKPOINT:
        unusable = unreadable_codes(header) or unusable
    reason = danger = danger_in(header)
    if reason is None and kind is not ModelKind.CHECKPOINT:
        reason = unusable or _REASONS[kind]
    elif reason is None and any(name in header.metadata for name in CONFIGURATION_FILES):
        reason = configuration_problem(header)
    elif reason is None:
        reason = why_not_loadable(header, family)
    told: tuple[Told, ...] = ()
    if kind is ModelKind.CHECKPOINT:
        try:
            told = told_by_header(header, family)
        except UnusableTraining as error:
            reason = reason or error.reason
        family = recorded_training(family, told, None).family
    return Classification(
        kind,
        family,
        _precision(header),
        loadable=reason is None,
        reason=reason,
        card=card_in(header.metadata),
        fault=danger or beside_tensors(header) or quantised_part(header),
        native_size=(
            native_size_of_file(header.metadata, family) if kind is ModelKind.CHECKPOINT else None
        ),
        note=(
            joined_notes(_note(header, lora), checkpoint_note(header.tensors, family))
            if reason is None
            else None
        ),
        scale=scale if danger is None else None,
        is_companion=kind in _COMPANIONS and danger is None and unusable is None,
        base=addon.base,
        trigger_words=addon.trigger_words,
        rank=addon.rank,
        told=told,
        distilled=_distilled(header, kind, family) if reason is None else None,
        lacks_vae=(
            kind is ModelKind.CHECKPOINT
            and reason is None
            and not any(name.startswith(VAE) for name in header.tensors)
        ),
    )


def _distilled(header: Header, kind: ModelKind, family: ModelFamily | None) -> Distilled | None:
    if kind is not ModelKind.CHECKPOINT:
        return None
    takes_guidance = any(name in header.tensors for name in GUIDANCE_INPUT)
    return distilled_by_header(family, header.metadata, takes_guidance=takes_guidance)


def _without_parts(
    header: Header, kind: ModelKind, family: ModelFamily | None
) -> tuple[ModelKind, str | None] | None:
    """Return the kind and the reason of a network that draws alone, or of a file of no use here."""
    if kind is ModelKind.UNKNOWN:
        return other_file(header.tensors)
    if kind is not ModelKind.CHECKPOINT or not is_only_the_network(header.tensors):
        return None
    other = other_file(header.tensors) if family is None else None
    if other is not None and other[0] is ModelKind.DIFFUSION_MODEL:
        return other
    return ModelKind.DIFFUSION_MODEL, why_not_loadable(header, family)


def _of_a_set(header: Header, part: PartOfASet) -> Classification:
    danger = danger_in(header)
    reason = problem = danger or unreadable_codes(header) or part.problem
    if reason is None and part.kind is not ModelKind.CHECKPOINT:
        reason = _VAE_OF_A_SET if part.kind is ModelKind.VAE else _REASONS[part.kind]
    return Classification(
        part.kind,
        part.family,
        _precision(header),
        loadable=reason is None,
        reason=reason,
        card=card_in(header.metadata),
        fault=danger or quantised_part(header),
        native_size=native_size_of_file(header.metadata, part.family) if part.family else None,
        pipeline_inputs=part.pipeline_inputs,
        base=base_family(part.family),
        component=part.component if problem is None else None,
    )


def _upscaler(header: Header) -> tuple[bool, int | None, str | None]:
    """Return whether it is an upscaler, its scale if that is known, and why it cannot be used."""
    try:
        network = upscaler_network(header.tensors)
    except UnusableUpscaler as error:
        return True, None, error.reason
    if network is not None:
        return True, network.scale, None
    other = other_architecture(header.tensors)
    if other is None:
        return False, None, None
    return True, None, None if spandrel_is_installed() else needs_spandrel(other[0])


def _note(header: Header, lora: Collection[str]) -> str | None:
    notes = list(header.notes)
    if lora:
        first = shown(min(lora))
        notes.append(
            f"holds {len(lora):,} tensors of a LoRA, such as '{first}', which change no picture"
            if len(lora) > 1
            else f"holds a tensor of a LoRA, '{first}', which changes no picture"
        )
    return joined_notes(*notes)


def _precision(header: Header) -> str | None:
    """Return the floating type of the weights; ignore noise schedules, counters and averages."""
    tensors, known = header.tensors, header.quantisation
    if known is not None and known.label is not None:
        return known.label
    weights = {
        facts.dtype
        for name, facts in tensors.items()
        if "float" in facts.dtype and not name.startswith("model_ema.") and len(facts.shape) >= 2
    }
    weights = weights or {facts.dtype for facts in tensors.values() if "float" in facts.dtype}
    return "mixed" if len(weights) > 1 else next(iter(weights), None)
