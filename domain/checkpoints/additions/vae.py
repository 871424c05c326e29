"""Whether a VAE fits a checkpoint."""

from collections.abc import Mapping

from domain.checkpoints.additions.autoencoder_layout import (
    AutoencoderFacts,
    autoencoder_facts,
    autoencoder_layout,
)
from domain.checkpoints.additions.fit import Fit
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts

__all__ = ["fit", "mismatch"]

_VAES = ("first_stage_model.", "vae/")
_LAST_LAYERS = ("model.diffusion_model.out.2.weight", "unet/conv_out.weight")
_UNETS = ("model.diffusion_model.input_blocks.0.0.", "unet/conv_in.")


def fit(addon: Mapping[str, TensorFacts], checkpoint: Mapping[str, TensorFacts]) -> Fit:
    """Return whether a VAE fits a checkpoint.

    The autoencoders of Stable Diffusion 1, 2 and XL have the same names and shapes, so one for
    another family passes here.

    Args:
        addon: The tensors of the add-on, by the names in its file.
        checkpoint: The tensors of the checkpoint, by the names of the original code or, in a
            folder, by the part and the name in it, such as `unet/conv_in.weight`.
    """
    try:
        layout = autoencoder_layout(addon)
    except UnusableAddition as error:
        return Fit(error.reason)
    if not any(name.startswith(_UNETS) for name in checkpoint):
        return Fit(
            "the checkpoint is not of Stable Diffusion 1, 2 or XL, and others keep their own VAE"
        )
    if not any(name.startswith(_VAES) for name in checkpoint):
        return Fit(_channels_mismatch(layout.facts, checkpoint))
    try:
        own = _own(checkpoint)
    except UnusableAddition:
        return Fit("the checkpoint has an autoencoder of another kind")
    return Fit(mismatch(layout.facts, own))


def _channels_mismatch(
    facts: AutoencoderFacts, checkpoint: Mapping[str, TensorFacts]
) -> str | None:
    """Return why an autoencoder does not fit the UNet of a checkpoint without one.

    The UNet tells the channels of its latents. Loading compares the rest with the configuration.
    """
    for name, tensor in checkpoint.items():
        if name in _LAST_LAYERS and tensor.shape[:1] != (facts.channels,):
            return (
                f"its latents have {facts.channels} channels, and those of the checkpoint "
                f"{tensor.shape[0] if tensor.shape else 0}"
            )
    return None


def mismatch(facts: AutoencoderFacts, own: AutoencoderFacts) -> str | None:
    """Return why an autoencoder cannot replace that of a checkpoint; None if it can."""
    if facts.channels != own.channels:
        return (
            f"its latents have {facts.channels} channels, and those of the checkpoint "
            f"{own.channels}"
        )
    if len(facts.widths) != len(own.widths):
        sides = [2 ** (len(each.widths) - 1) for each in (facts, own)]
        return (
            f"its latents stand for {sides[0]} × {sides[0]} pixels, and those of the checkpoint "
            f"for {sides[1]} × {sides[1]}"
        )
    return None


def _own(checkpoint: Mapping[str, TensorFacts]) -> AutoencoderFacts:
    for prefix in _VAES:
        inner = {
            name.removeprefix(prefix): facts
            for name, facts in checkpoint.items()
            if name.startswith(prefix)
        }
        if inner:
            return autoencoder_facts(inner)
    raise UnusableAddition("it has no autoencoder")
