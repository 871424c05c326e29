"""Autoencoders in files of their own, or beside a network that draws."""

from domain.checkpoints.sets.placed import Layout, PlacedComponent, View
from domain.models.components import Component, ComponentType

__all__ = ["vae_kl"]

_LAYOUTS = (
    (Layout.ORIGINAL, "encoder.down.0.block.0.conv1.weight"),
    (Layout.DIFFUSERS, "encoder.down_blocks.0.resnets.0.conv1.weight"),
)


def vae_kl(view: View) -> PlacedComponent | None:
    """Recognise a KL autoencoder of pictures by the channels of its latents.

    CompVis/latent-diffusion's code has 4 channels in Stable Diffusion 1, 2 and XL, and 16 in FLUX.1
    and Stable Diffusion 3. FLUX.2 has 32, and normalises squares of 2 × 2 latents (`bn`).
    """
    latents = view.shape("decoder.conv_in.weight")
    if len(latents) != 4:
        return None
    layout = next((layout for layout, marker in _LAYOUTS if view.has(marker)), None)
    if layout is None:
        return None
    kind = ComponentType.VAE_KL
    if view.has("bn.running_mean", "bn.running_var"):
        kind = ComponentType.VAE_KL_FLUX_2
    return PlacedComponent(Component(kind, latents[1]), view.prefix, layout)
