"""Upscalers of other architectures, by the library spandrel where it is installed.

spandrel imports torchvision, which this service does not need itself. It gets tensors that are
already read safely, and never opens a file.
"""

import importlib.util
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from domain.checkpoints.upscalers import (
    SCALES,
    UnusableUpscaler,
    UpscalerArchitecture,
    UpscalerNetwork,
    needs_spandrel,
)

__all__ = ["SpandrelNetwork", "is_installed", "load_with_spandrel"]

_CHANNELS = 3
_NUMBERS_OF_A_PIXEL = 2048
"""A third of what a network has in memory for each pixel of the source, at its peak. The attention
of HAT has 6 heads, each with 576 numbers for a pixel."""


class SpandrelNetwork(nn.Module):
    """A network of spandrel, which pads its input as it needs it.

    It stays in float32. Several networks make masks in float32 while they compute, and then fail in
    a shorter precision, although their descriptors say that they support it.

    Args:
        descriptor: The `ImageModelDescriptor` of spandrel.
    """

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model = descriptor.model
        self._descriptor = descriptor

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, height, width), 0 to 1, to (n, 3, scale × height, scale × width)."""
        enlarged: torch.Tensor = self._descriptor(pixels)
        return enlarged


def is_installed() -> bool:
    """Whether spandrel can be imported. This does not import it."""
    return importlib.util.find_spec("spandrel") is not None


def load_with_spandrel(
    name: str, weights: Mapping[str, torch.Tensor]
) -> tuple[UpscalerNetwork, SpandrelNetwork]:
    """Build the network of these tensors, in float32 on the CPU.

    Args:
        name: The architecture, for messages.
        weights: The tensors by their names in the file.

    Raises:
        UnusableUpscaler: spandrel is not installed, it refuses the tensors, or the network is not
            one that enlarges RGB pictures by a whole factor.
    """
    if not is_installed():
        raise UnusableUpscaler(needs_spandrel(name))
    from spandrel import ImageModelDescriptor, ModelLoader

    copies = {
        own: each.to(torch.float32, copy=True) if each.is_floating_point() else each.clone()
        for own, each in weights.items()
    }
    try:
        found: Any = ModelLoader(device="cpu").load_from_state_dict(copies)
    except MemoryError:
        raise
    except Exception as error:  # a library may raise anything for an odd file
        text = f"spandrel cannot read it as {name}: {type(error).__name__}"
        raise UnusableUpscaler(text) from error
    channels = (found.input_channels, found.output_channels)
    if not isinstance(found, ImageModelDescriptor) or channels != (_CHANNELS, _CHANNELS):
        raise UnusableUpscaler(f"it is a {name} network that does not enlarge RGB pictures")
    if found.scale not in SCALES:
        raise UnusableUpscaler(f"it enlarges by {found.scale}, and only 1 to 8 are supported")
    facts = UpscalerNetwork(
        architecture=UpscalerArchitecture.OTHER,
        scale=int(found.scale),
        features=_NUMBERS_OF_A_PIXEL,
        blocks=1,
    )
    return facts, SpandrelNetwork(found)
