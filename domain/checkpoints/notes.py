"""What users should know of a checkpoint that can draw."""

from collections.abc import Mapping

from domain.checkpoints.averages import averages_note
from domain.checkpoints.families import FAMILIES
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unets import UNET
from domain.models.kinds import ModelFamily

__all__ = ["checkpoint_note", "joined_notes"]

_UNCLIP = (
    "is an unCLIP model; it draws from the prompt alone, without a picture that unCLIP could follow"
)


def checkpoint_note(tensors: Mapping[str, TensorFacts], family: ModelFamily | None) -> str | None:
    """Return the notes about a checkpoint as a sentence without its subject; None for none.

    Args:
        tensors: All tensors of the checkpoint by name.
        family: The family of the checkpoint.
    """
    is_sized = family is not None and family in FAMILIES and FAMILIES[family].unet.sized
    is_unclip = f"{UNET}label_emb.0.0.weight" in tensors and not is_sized
    return joined_notes(_UNCLIP if is_unclip else None, averages_note(tensors))


def joined_notes(*notes: str | None) -> str | None:
    """Return several notes as one; None if there is none. Each lacks its subject, the model."""
    return "; it ".join(note for note in notes if note is not None) or None
