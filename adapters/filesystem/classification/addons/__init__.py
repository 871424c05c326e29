"""Add-ons of a checkpoint: LoRAs, embeddings, ControlNets and VAEs."""

from dataclasses import dataclass

from adapters.filesystem.classification.addons.bases import addon_base
from adapters.filesystem.classification.addons.faults import MOST_TENSORS, addon_fault
from adapters.filesystem.classification.addons.kinds import addon_kind, lora_tensors
from adapters.filesystem.classification.addons.trigger_words import trigger_words
from adapters.filesystem.headers.values import Header
from domain.checkpoints.additions.lora_layouts import read_lora
from domain.models.record import ModelFamily, ModelKind

__all__ = ["Addon", "addon_of", "lora_tensors"]


@dataclass(frozen=True, slots=True)
class Addon:
    """What the header of an add-on tells.

    Attributes:
        kind: What it is; unknown for a file that is not an add-on.
        base: The family of checkpoints that it is for; None if it is not known.
        fault: Why it cannot be used with any checkpoint; None if it can, or is of unknown kind.
        trigger_words: As `ModelRecord.trigger_words`.
        rank: As `ModelRecord.rank`.
    """

    kind: ModelKind
    base: ModelFamily | None = None
    fault: str | None = None
    trigger_words: tuple[str, ...] = ()
    rank: int | None = None


def addon_of(header: Header) -> Addon:
    """Return what a file is that is not a checkpoint."""
    kind = addon_kind(header.tensors)
    if kind is ModelKind.UNKNOWN:
        return Addon(kind)
    is_read = kind is ModelKind.LORA and len(header.tensors) <= MOST_TENSORS
    lora = read_lora(header.tensors) if is_read else None
    base = addon_base(kind, header, lora)
    fault = addon_fault(kind, base, header, lora)
    if lora is None:
        return Addon(kind, base, fault)
    return Addon(kind, base, fault, trigger_words(header.metadata), lora.rank)
