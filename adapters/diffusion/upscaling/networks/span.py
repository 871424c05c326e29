"""SPAN, the swift parameter-free attention network (Wan et al. 2023, arXiv:2311.12770)."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from domain.checkpoints.upscalers import UpscalerNetwork

__all__ = ["SpanNetwork", "merged_weights"]

_MEAN = (0.4488, 0.4371, 0.4040)
"""The mean colour of the training pictures (DIV2K), which hongyuanyu/SPAN subtracts."""
_RANGE = 255.0
_CONCATENATED = 4
_PATHS = ("sk", "conv.0", "conv.1", "conv.2")


class SpanNetwork(nn.Module):
    """Blocks whose result is weighted by an activation of itself, in place of attention."""

    def __init__(self, facts: UpscalerNetwork) -> None:
        super().__init__()
        features = facts.features
        self.scale, self.blocks, self.normalises = facts.scale, facts.blocks, facts.normalises
        self.conv_1 = nn.Conv2d(3, features, 3, padding=1)
        for number in range(1, self.blocks + 1):
            self.add_module(f"block_{number}", _Block(features))
        self.conv_2 = nn.Conv2d(features, features, 3, padding=1)
        self.conv_cat = nn.Conv2d(_CONCATENATED * features, features, 1)
        self.upsampler = nn.Sequential(nn.Conv2d(features, 3 * self.scale**2, 3, padding=1))

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        """Enlarge pictures, as the package describes."""
        if self.normalises:
            source = (source - source.new_tensor(_MEAN).view(1, 3, 1, 1)) * _RANGE
        first = found = self.conv_1(source)
        results: list[torch.Tensor] = []
        early = found
        for number in range(1, self.blocks + 1):
            found, early = self.get_submodule(f"block_{number}")(found)
            results.append(found)
        # The last result before the attention of the last block is taken too.
        joined = torch.cat((first, self.conv_2(found), results[0], early), dim=1)
        return functional.pixel_shuffle(self.upsampler(self.conv_cat(joined)), self.scale)


class _Block(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.c1_r, self.c2_r, self.c3_r = (
            nn.Conv2d(features, features, 3, padding=1) for _ in range(3)
        )

    def forward(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the result, and that of the first convolution after its activation."""
        first = functional.silu(self.c1_r(source))
        third = self.c3_r(functional.silu(self.c2_r(first)))
        return (third + source) * (torch.sigmoid(third) - 0.5), first


def merged_weights(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights of the network of a file that holds them as they were trained.

    Two paths become one convolution of 3 × 3: convolutions of 1 × 1, 3 × 3 and 1 × 1 one after
    another, and beside them one of 1 × 1, whose weights are the middle of the 3 × 3.
    """
    merged: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        start, found, _ = name.partition(".sk.weight")
        if found:
            weight, bias = _merged(start, weights)
            merged[f"{start}.weight"], merged[f"{start}.bias"] = weight, bias
        elif not any(part in name for part in (".sk.", ".conv.")):
            merged[name] = tensor
    return merged


def _merged(name: str, weights: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    (across, bias), (first, bias_1), (middle, bias_2), (last, bias_3) = (
        (weights[f"{name}.{path}.weight"].double(), weights[f"{name}.{path}.bias"].double())
        for path in _PATHS
    )
    first, last = first[:, :, 0, 0], last[:, :, 0, 0]
    weight = torch.einsum("zo,oihw,ic->zchw", last, middle, first)
    weight[:, :, 1, 1] += across[:, :, 0, 0]
    after_middle = torch.einsum("oihw,i->o", middle, bias_1) + bias_2
    total = last @ after_middle + bias_3 + bias
    dtype = weights[f"{name}.sk.weight"].dtype
    return weight.to(dtype), total.to(dtype)
