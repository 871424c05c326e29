"""The loss of a denoiser: how well it predicts the noise in latents, at random times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import torch

from tools.demo_checkpoint.networks import autocast, make_noise_schedule

__all__ = ["Noise", "Predict"]

Predict: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Predicts the noise in latents (pictures, 4, height, width), from them and their times."""

# The error of the picture that a prediction implies is weighted by its signal-to-noise ratio,
# within these bounds. Upper: Hang et al. 2023, «Efficient Diffusion Training via Min-SNR Weighting
# Strategy». Lower: with next to no signal, only the caption can tell the colours, and a loss that
# hardly counts those times hardly teaches it.
MAX_SNR: Final = 5.0
MIN_SNR: Final = 0.1
# Below 1, noisier times come more often, for the same reason.
TIME_POWER: Final = 0.5

# The schedule's last step still shows 1.5 % of the picture, and that is enough to read the mean
# colour of a flat one, while sampling starts from pure noise. Noise with its own offset per channel
# hides that, so that colours are taken from the caption (N. Guttenberg 2023, «Diffusion with Offset
# Noise»).
NOISE_OFFSET: Final = 0.1


@dataclass(frozen=True, slots=True)
class Noise:
    """Values of the schedule per time: the shares of picture and noise, and the loss's weight."""

    picture: torch.Tensor
    noise: torch.Tensor
    weight: torch.Tensor

    @classmethod
    def on(cls, where: torch.device) -> Noise:
        """Return the values of the demo's schedule on a device."""
        kept = make_noise_schedule().alphas_cumprod.to(where)
        ratio = kept / (1 - kept)
        return cls(kept.sqrt(), (1 - kept).sqrt(), ratio.clamp(MIN_SNR, MAX_SNR) / ratio)

    def loss(self, predict: Predict, latents: torch.Tensor) -> torch.Tensor:
        """Weighted squared error of the predicted noise, at a random time per picture.

        `latents` have a standard deviation of 1: (pictures, 4, height, width).
        """
        where = self.weight.device
        clean = latents.to(where, memory_format=torch.channels_last)
        chance = torch.rand(len(clean), device=where) ** TIME_POWER
        times = (chance * len(self.weight)).long()
        offset = torch.randn(*clean.shape[:2], 1, 1, device=where)
        noise = torch.randn_like(clean) + NOISE_OFFSET * offset
        picture, share = self.picture[times, None, None, None], self.noise[times, None, None, None]
        with autocast(where):
            predicted = predict(picture * clean + share * noise, times)
        error = (predicted.float() - noise).square().mean(dim=(1, 2, 3))
        return (error * self.weight[times]).mean()
