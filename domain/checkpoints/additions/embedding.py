"""Whether an embedding fits a checkpoint."""

from collections.abc import Mapping

from domain.checkpoints.additions.embedding_layout import EmbeddingLayout, embedding_layout
from domain.checkpoints.additions.fit import Fit
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.text_encoders import token_widths

__all__ = ["fit"]

_UNETS = ("model.diffusion_model.", "unet/")


def fit(addon: Mapping[str, TensorFacts], checkpoint: Mapping[str, TensorFacts]) -> Fit:
    """Return whether an embedding fits a checkpoint.

    Args:
        addon: The tensors of the add-on, by the names in its file.
        checkpoint: The tensors of the checkpoint, by the names of the original code or, in a
            folder, by the part and the name in it, such as `unet/conv_in.weight`.
    """
    try:
        layout = embedding_layout(addon)
    except UnusableAddition as error:
        return Fit(error.reason)
    widths = token_widths(checkpoint)
    if not widths or not any(name.startswith(_UNETS) for name in checkpoint):
        return Fit(
            "the checkpoint is not of Stable Diffusion 1, 2 or XL, whose prompts take embeddings"
        )
    return Fit(_mismatch(layout, widths))


def _mismatch(layout: EmbeddingLayout, widths: tuple[int, ...]) -> str | None:
    if len(layout.widths) != len(widths):
        return (
            f"it has vectors for {_encoders(len(layout.widths))}, and the checkpoint has "
            f"{_encoders(len(widths))}"
        )
    for own, wanted in zip(layout.widths, widths, strict=True):
        if own != wanted:
            return f"its vectors have {own} numbers, and the checkpoint's tokens have {wanted}"
    return None


def _encoders(count: int) -> str:
    return "one text encoder" if count == 1 else f"{count} text encoders"
