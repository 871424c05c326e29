"""Whether a ControlNet fits a checkpoint."""

from collections.abc import Iterator, Mapping

from domain.checkpoints.additions.controlnet_layout import controlnet_layout
from domain.checkpoints.additions.fit import Fit
from domain.checkpoints.additions.unet_encoder import (
    EncoderFacts,
    diffusers_names,
    encoder_facts,
)
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts

__all__ = ["fit", "mismatch", "name_problem"]

_SHUFFLE = (
    "its name says that it shuffles a picture (control_v11e_sd15_shuffle); such a ControlNet "
    "averages its outputs over the picture, and nothing here draws with these"
)

_UNETS = ("model.diffusion_model.", "unet/")


def fit(addon: Mapping[str, TensorFacts], checkpoint: Mapping[str, TensorFacts]) -> Fit:
    """Return whether a ControlNet fits a checkpoint.

    Args:
        addon: The tensors of the add-on, by the names in its file.
        checkpoint: The tensors of the checkpoint, by the names of the original code or, in a
            folder, by the part and the name in it, such as `unet/conv_in.weight`.
    """
    try:
        layout = controlnet_layout(addon)
    except UnusableAddition as error:
        return Fit(error.reason)
    try:
        unet = _unet(checkpoint)
    except UnusableAddition:
        return Fit("the checkpoint has no UNet that a ControlNet can act on")
    problem = mismatch(layout.encoder, unet)
    return Fit(problem, warnings=() if problem else tuple(_warnings(layout.encoder, unet)))


def name_problem(name: str) -> str | None:
    """Return why a ControlNet with this name cannot be used; None for nothing.

    Nothing in lllyasviel's file that shuffles tells it from others. The web UI's extension reads
    the name too (`global_average_pooling` in its `scripts/controlnet.py`).
    """
    return _SHUFFLE if "shuffle" in name.lower() else None


def mismatch(control: EncoderFacts, unet: EncoderFacts) -> str | None:
    """Return why a ControlNet cannot act on a UNet; None if it can.

    It adds to the outputs of the UNet's encoder half, and reads the same conditions. Inside, a
    ControlNet may be smaller than that half.
    """
    if control.skips != unet.skips:
        return (
            f"its levels have {_list(control.widths)} channels with {control.layers} blocks each, "
            f"and those of the checkpoint {_list(unet.widths)} with {unet.layers}"
        )
    if control.context not in (None, unet.context):
        return (
            f"it reads prompts of {control.context} numbers a token, and the checkpoint's have "
            f"{unet.context or 'none'}"
        )
    if control.label not in (None, unet.label):
        return (
            f"it reads {control.label} numbers beside the prompt, such as the size of the picture, "
            f"and the checkpoint has {unet.label or 'none'}"
        )
    return None


def _warnings(control: EncoderFacts, unet: EncoderFacts) -> Iterator[str]:
    """Yield what may go wrong although the tensors fit."""
    if any(own > its for own, its in zip(control.depths, unet.depths, strict=True)):
        yield (
            "it was made for a larger UNet than that of the checkpoint, which is a pruned one; its "
            "effect may be weak or wrong"
        )


def _unet(checkpoint: Mapping[str, TensorFacts]) -> EncoderFacts:
    for prefix in _UNETS:
        inner = {
            name.removeprefix(prefix): facts
            for name, facts in checkpoint.items()
            if name.startswith(prefix)
        }
        if inner:
            names = diffusers_names(inner)
            return encoder_facts({names[name]: facts for name, facts in inner.items()})
    raise UnusableAddition("it has no UNet")


def _list(widths: tuple[int, ...]) -> str:
    return ", ".join(map(str, widths))
