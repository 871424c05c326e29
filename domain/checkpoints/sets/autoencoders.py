"""Autoencoders in files of their own, or beside a network that draws."""

from domain.checkpoints.sets.placed import Layout, PlacedComponent, View
from domain.models.components import Component, ComponentType

__all__ = ["AUTOENCODERS"]

_KL = (
    (Layout.ORIGINAL, "encoder.down.0.block.0.conv1.weight"),
    (Layout.DIFFUSERS, "encoder.down_blocks.0.resnets.0.conv1.weight"),
)
_LATENTS = "decoder.conv_in.weight"
_DC = (
    (Layout.ORIGINAL, "decoder.project_in.main.conv.weight"),
    (Layout.ORIGINAL, "decoder.project_in.conv.weight"),
    (Layout.DIFFUSERS, _LATENTS),
)
_DC_MARKS = ("encoder.stages.", "encoder.down_blocks.0.0.")
_WAN = ((Layout.ORIGINAL, "decoder.conv1.weight"), (Layout.DIFFUSERS, _LATENTS))
_WAN_CHANNELS = 16


def _kl(view: View) -> PlacedComponent | None:
    """Recognise a KL autoencoder of pictures by the channels of its latents.

    CompVis/latent-diffusion's code has 4 channels in Stable Diffusion 1, 2 and XL, and 16 in FLUX.1
    and Stable Diffusion 3. FLUX.2 has 32, and normalises squares of 2 × 2 latents (`bn`).
    """
    latents = view.shape(_LATENTS)
    layout = next((layout for layout, marker in _KL if view.has(marker)), None)
    if layout is None or len(latents) != 4:
        return None
    kind = ComponentType.VAE_KL
    if view.has("bn.running_mean", "bn.running_var"):
        kind = ComponentType.VAE_KL_FLUX_2
    return PlacedComponent(Component(kind, latents[1]), view.prefix, layout)


def _wan(view: View) -> PlacedComponent | None:
    """Recognise an autoencoder of videos as Wan 2.1 and Qwen-Image have: it has 3-D convolutions.

    That of Wan 2.2 has 48 channels, and other video models have other names.
    """
    for layout, name in _WAN:
        latents = view.shape(name)
        is_gamma = view.has_any("decoder.middle.0.residual.0.gamma", "decoder.norm_out.gamma")
        if len(latents) == 5 and is_gamma:
            problem = None
            if latents[1] != _WAN_CHANNELS:
                problem = f"it is the VAE of a video model, with {latents[1]} channels"
            component = Component(ComponentType.VAE_QWEN_IMAGE, latents[1])
            return PlacedComponent(component, view.prefix, layout, problem=problem)
    return None


def _dc(view: View) -> PlacedComponent | None:
    """Recognise a deep compression autoencoder (mit-han-lab/efficientvit, DC-AE)."""
    if not view.has_any(*_DC_MARKS):
        return None
    for layout, name in _DC:
        latents = view.shape(name)
        if len(latents) == 4:
            component = Component(ComponentType.VAE_DC, latents[1])
            return PlacedComponent(component, view.prefix, layout)
    return None


AUTOENCODERS = (_kl, _wan, _dc)
"""Each returns what it recognises."""
