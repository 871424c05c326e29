"""The numbers of a UNet of Stable Diffusion."""

from dataclasses import dataclass

__all__ = ["Depths", "UnetFacts"]

Depths = tuple[tuple[int, ...], ...]
"""Transformer blocks of each residual block, by level; 0 for a block without attention."""

_SIZE_NUMBERS, _NUMBERS_A_SIZE, _SUMMARY = 6, 256, 1280


@dataclass(frozen=True, slots=True)
class UnetFacts:
    """A UNet with cross-attention to the prompt.

    Attributes:
        sample_size: Side of the latents of its training; a latent stands for 8 pixels.
        context: Width of the embedding of a token.
        widths: Channels of each level.
        down: Depths of the encoder half, from the first level on. All levels have equally many
            residual blocks.
        up: Depths of the decoder half in the order of the levels' computation, so from the last
            level back to the first. Each level has one residual block more than in `down`.
        middle: Transformer blocks of the middle block; 0 for a middle of one residual block without
            attention (SSD-1B, Segmind Vega), None for no middle block (BK-SDM Tiny, KOALA 700M).
        heads: Attention heads of each level (the libraries misname it `attention_head_dim`).
        linear: The attention's projections are linear layers, not convolutions.
        upcast: Attention is computed in float32; None if the publisher does not say.
        sized: It is conditioned on the picture's size and crop, 6 numbers of 256 values each, and
            on the second text encoder's pooled output of 1,280 values.
        in_channels: 4 for the noisy latents. Inpainting has 5 more, for the mask and the latents of
            the masked picture. InstructPix2Pix has 4 more, for the latents of the picture.
        picture: Width of the embedding of a picture and of its noise level, which unCLIP models
            take; None for other models.
        guided: Width of the embedding of the guidance scale, which the UNets of latent consistency
            models take; None for other models.

    Raises:
        ValueError: The levels do not fit each other.
    """

    sample_size: int
    context: int
    widths: tuple[int, ...]
    down: Depths
    up: Depths
    middle: int | None
    heads: tuple[int, ...]
    linear: bool
    upcast: bool | None = False
    sized: bool = False
    in_channels: int = 4
    picture: int | None = None
    guided: int | None = None

    def __post_init__(self) -> None:
        levels = {len(each) for each in (self.widths, self.down, self.up, self.heads)}
        blocks = {len(each) for each in self.down} | {len(each) - 1 for each in self.up}
        if len(levels) != 1 or len(blocks) != 1 or 0 in levels | blocks:
            raise ValueError(f"a UNet of {self.down} and {self.up} blocks has no such levels")

    @property
    def layers(self) -> int:
        """Residual blocks of each level of the encoder half."""
        return len(self.down[0])

    @property
    def label(self) -> int | None:
        """Values of its conditioning besides the prompt; None without such conditioning."""
        return _SIZE_NUMBERS * _NUMBERS_A_SIZE + _SUMMARY if self.sized else self.picture
