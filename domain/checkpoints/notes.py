"""What users should know of a checkpoint that can draw."""

from collections.abc import Iterator, Mapping

from domain.checkpoints.families import FAMILIES, UnetFacts, facts_of
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.names import with_modern_names
from domain.checkpoints.unets import UnknownUnet, pruned_name
from domain.models.kinds import ModelFamily

__all__ = ["checkpoint_note", "joined_notes"]

_UNCLIP = (
    "is an unCLIP model; it draws from the prompt alone, without a picture that unCLIP could follow"
)
_CUT = (
    "has a UNet with fewer or other blocks than any published model; if blocks were lost by "
    "mistake, its pictures are wrong"
)


def checkpoint_note(tensors: Mapping[str, TensorFacts], family: ModelFamily | None) -> str | None:
    """Return the notes about a checkpoint as a sentence without its subject; None for none.

    Args:
        tensors: All tensors of the checkpoint by name.
        family: The family of the checkpoint, if it has one of `FAMILIES`.
    """
    return joined_notes(*_of_unet(tensors, family))


def joined_notes(*notes: str | None) -> str | None:
    """Return several notes as one; None if there is none. Each lacks its subject, the model."""
    return "; it ".join(note for note in notes if note is not None) or None


def _of_unet(tensors: Mapping[str, TensorFacts], family: ModelFamily | None) -> Iterator[str]:
    if family is None or family not in FAMILIES:
        return
    shapes = {name: facts.shape for name, facts in with_modern_names(tensors).items()}
    try:
        unet = facts_of(family, shapes).unet
    except UnknownUnet:  # it has a configuration of its own
        return
    if unet.picture is not None:
        yield _UNCLIP
    usual = FAMILIES[family].unet
    if _blocks(unet) == _blocks(usual):
        return
    if pruned_name(unet) is None:
        yield _CUT


def _blocks(unet: UnetFacts) -> tuple[object, ...]:
    return unet.down, unet.up, unet.middle
