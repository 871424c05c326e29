"""Averages of weights over a training, which some checkpoints hold in addition to the weights.

CompVis/latent-diffusion (`ldm/modules/ema.py`) keeps an average of each weight of the UNet under
`model_ema.` and the weight's name without its dots, and draws the samples of a training with the
averages (`ddpm.py`, `ema_scope`). The files that were published for drawing, such as
`v1-5-pruned-emaonly`, hold the averages instead of the weights.
"""

from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts

__all__ = ["averages_note", "places_of_averages"]

_NETWORK = "model."
_UNET = "model.diffusion_model."
_AVERAGES = "model_ema."
_COUNTERS = frozenset({"model_ema.decay", "model_ema.num_updates"})


def places_of_averages(tensors: Mapping[str, TensorFacts]) -> Mapping[str, str]:
    """Return the name of the average of each weight of the UNet, by the name of the weight.

    Args:
        tensors: All tensors of a checkpoint in the layout of the original code, by name.

    Returns:
        The names. The table is empty if the file holds no averages. It is also empty if one weight
        has no average of its shape, because no training averages a part of a network.
    """
    found = {
        name: _AVERAGES + name.removeprefix(_NETWORK).replace(".", "")
        for name in tensors
        if name.startswith(_UNET)
    }
    is_whole = all(_fits(tensors.get(place), tensors[name]) for name, place in found.items())
    return found if is_whole else {}


def averages_note(tensors: Mapping[str, TensorFacts]) -> str | None:
    """Return the note for users about a checkpoint's averages; None if it has no averages.

    The note is a sentence without its subject, the name of the model.
    """
    if not any(name.startswith(_AVERAGES) and name not in _COUNTERS for name in tensors):
        return None
    if places_of_averages(tensors):
        return (
            "holds its UNet twice: the weights, and their averages over the training (EMA); the "
            "averages draw the picture"
        )
    return (
        "holds averages (EMA) that do not fit its UNet; the weights draw the picture, and the "
        "averages are left out"
    )


def _fits(average: TensorFacts | None, weight: TensorFacts) -> bool:
    return average is not None and average.shape == weight.shape and "float" in average.dtype
