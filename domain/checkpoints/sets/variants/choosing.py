"""How a file of any family is drawn, by what its header and its name tell."""

import re
from dataclasses import replace

from domain.checkpoints.notes import joined_notes
from domain.checkpoints.sets.variants.by_header import CHROMA, Variant, flux_variant, sd3_variant
from domain.checkpoints.sets.variants.by_name import named_variant
from domain.models.kinds import ModelFamily

__all__ = ["variant_of"]

_OF_FEW_STEPS = re.compile(
    r"(?<![a-z])(flash|turbo|lightning|hyper|lcm|schnell|\d{1,2}[-_ ]?steps?)(?![a-z])"
)
"""The words of models that were made to draw in few steps, such as Chroma1-Flash and the turbos of
Stable Diffusion 3.5 medium and FLUX.1 dev. They have the tensors of the models they were made of.
How each is drawn is not known here."""


def variant_of(family: ModelFamily | None, variant: str, file: str) -> Variant | None:
    """Return how a network is drawn; None if nothing is known of its family.

    If its name says that it draws in few steps, and it is drawn as a model that does not, the note
    says so.

    Args:
        family: Its family.
        variant: What its header shows, as `Component.variant`.
        file: The name of its file.
    """
    found = _told(family, variant, file)
    hint = _OF_FEW_STEPS.search(file.rpartition("/")[2].lower())
    if found is None or hint is None or found.guidance <= 1:
        return found
    note = (
        f"has «{hint[1]}» in its name, as models for few steps have; it is drawn in {found.steps} "
        f"steps with a guidance of {found.guidance:g} unless a request or the settings of the "
        "model say otherwise"
    )
    return replace(found, note=joined_notes(found.note, note))


def _told(family: ModelFamily | None, variant: str, file: str) -> Variant | None:
    if family is ModelFamily.FLUX and variant:
        return flux_variant(variant, file)
    if family is ModelFamily.SD_3 and variant:
        return sd3_variant(variant, file)
    return CHROMA if family is ModelFamily.CHROMA else named_variant(family, file)
