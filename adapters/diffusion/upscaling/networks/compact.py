"""The compact network of Real-ESRGAN (xinntao/Real-ESRGAN, `realesrgan/archs/srvgg_arch.py`)."""

import torch
from torch import nn
from torch.nn import functional

from domain.checkpoints.upscalers import UpscalerNetwork

__all__ = ["CompactNetwork"]


class CompactNetwork(nn.Module):
    """Convolutions at the resolution of the source, which compute what its pixels lack.

    The last convolution makes a square of pixels of each pixel. The pixel itself is added to each
    of them.
    """

    def __init__(self, facts: UpscalerNetwork) -> None:
        super().__init__()
        self.scale = facts.scale
        features = facts.features
        layers: list[nn.Module] = []
        for number in range(facts.blocks + 1):
            layers.append(nn.Conv2d(3 if number == 0 else features, features, 3, padding=1))
            layers.append(nn.PReLU(features))
        layers.append(nn.Conv2d(features, 3 * self.scale**2, 3, padding=1))
        self.body = nn.Sequential(*layers)

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        """Enlarge pictures, as the package describes."""
        added = functional.pixel_shuffle(self.body(source), self.scale)
        result: torch.Tensor = added + functional.interpolate(source, scale_factor=self.scale)
        return result
