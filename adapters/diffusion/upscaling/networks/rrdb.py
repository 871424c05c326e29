"""ESRGAN's network of residual in residual dense blocks (Wang et al. 2018, arXiv:1809.00219)."""

import torch
from torch import nn
from torch.nn import functional

from domain.checkpoints.upscalers import UpscalerNetwork

__all__ = ["RrdbNetwork"]

_RESIDUAL = 0.2
"""The share of each residual that is added; β in the paper."""
_SLOPE = 0.2
"""The slope of the activations below zero."""
_CONVOLUTIONS = 5


class RrdbNetwork(nn.Module):
    """Dense blocks at the resolution of the source, then a doubling for each factor of two.

    A network with `unshuffle` takes squares of pixels as channels first, so its blocks work at a
    lower resolution. Both sides of its source must be multiples of `unshuffle`.
    """

    def __init__(self, facts: UpscalerNetwork) -> None:
        super().__init__()
        features = facts.features
        self.unshuffle = facts.unshuffle
        self.doublings = (facts.scale * facts.unshuffle).bit_length() - 1
        self.conv_first = _convolution(3 * facts.unshuffle**2, features)
        self.body = nn.Sequential(*(_Block(facts) for _ in range(facts.blocks)))
        self.conv_body = _convolution(features, features)
        for number in range(1, self.doublings + 1):
            self.add_module(f"conv_up{number}", _convolution(features, features))
        self.conv_hr = _convolution(features, features)
        self.conv_last = _convolution(features, 3)

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        """Enlarge pictures, as the package describes."""
        if self.unshuffle > 1:
            source = functional.pixel_unshuffle(source, self.unshuffle)
        found = self.conv_first(source)
        found = found + self.conv_body(self.body(found))
        for number in range(1, self.doublings + 1):
            larger = functional.interpolate(found, scale_factor=2)
            found = _activated(self.get_submodule(f"conv_up{number}")(larger))
        result: torch.Tensor = self.conv_last(_activated(self.conv_hr(found)))
        return result


class _Block(nn.Module):
    """Three dense blocks and a shortcut past them."""

    def __init__(self, facts: UpscalerNetwork) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_DenseBlock(facts) for _ in range(3))

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        return found + _RESIDUAL * self.rdb3(self.rdb2(self.rdb1(found)))


class _DenseBlock(nn.Module):
    """Convolutions that each take the source of the block and the results of all before them.

    With shortcuts (ESRGAN+), the source is also added to the second result, and the second result
    to the fourth. The noise of ESRGAN+ belongs to its training alone.
    """

    def __init__(self, facts: UpscalerNetwork) -> None:
        super().__init__()
        features, growth = facts.features, facts.growth
        for number in range(1, _CONVOLUTIONS + 1):
            incoming = features + (number - 1) * growth
            outgoing = features if number == _CONVOLUTIONS else growth
            self.add_module(f"conv{number}", _convolution(incoming, outgoing))
        self.conv1x1 = nn.Conv2d(features, growth, 1, bias=False) if facts.with_shortcuts else None

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        results = [source]
        for number in range(1, _CONVOLUTIONS):
            result = _activated(self.get_submodule(f"conv{number}")(torch.cat(results, dim=1)))
            if self.conv1x1 is not None and number == 2:
                result = result + self.conv1x1(source)
            elif self.conv1x1 is not None and number == 4:
                result = result + results[2]
            results.append(result)
        last = self.get_submodule(f"conv{_CONVOLUTIONS}")(torch.cat(results, dim=1))
        return source + _RESIDUAL * last


def _convolution(incoming: int, outgoing: int) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, 3, padding=1)


def _activated(tensor: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(tensor, _SLOPE, inplace=True)
