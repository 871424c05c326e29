"""How a file of any family is drawn, by what its header and its name tell."""

from domain.checkpoints.sets.variants.by_header import CHROMA, Variant, flux_variant, sd3_variant
from domain.checkpoints.sets.variants.by_name import named_variant
from domain.models.kinds import ModelFamily

__all__ = ["variant_of"]


def variant_of(family: ModelFamily | None, variant: str, file: str) -> Variant | None:
    """Return how a network is drawn; None if nothing is known of its family.

    Args:
        family: Its family.
        variant: What its header shows, as `Component.variant`.
        file: The name of its file.
    """
    if family is ModelFamily.FLUX and variant:
        return flux_variant(variant, file)
    if family is ModelFamily.SD_3 and variant:
        return sd3_variant(variant, file)
    return CHROMA if family is ModelFamily.CHROMA else named_variant(family, file)
