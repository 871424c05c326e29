"""Quantises the layers that take most of a UNet's time, for OpenVINO's 8-bit multiplication.

Weights have a scale for each output channel. Inputs are quantised at each call, so a model needs no
calibration. OpenVINO quantises the inputs of linear layers, in groups of a token's numbers. This
module quantises the inputs of convolutions, with a scale for each image. So an image is the same
alone and in a batch.
"""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D

__all__ = ["quantize"]

_LARGEST = 127
_CODES = (-128, 127)
"""With a least code of -127, OpenVINO's codes below zero were one too low."""
_SILU_LEAST = 0.27846455
"""The least value of SiLU, x / (1 + exp(-x)), is the negative of this."""
_SILU_ZERO = 48
"""The code for zero, of the codes 0 to 255, if the input is an output of SiLU. The codes below it
reach SiLU's least value if the input's largest value is 1.2 or more, as it is after a
normalisation. The codes above it are 1.6 times as fine as symmetric codes."""
_SILU_LARGEST = _SILU_LEAST * (255 - _SILU_ZERO) / _SILU_ZERO
_ALMOST_ZERO = 1e-12


class _Int8Layer(torch.nn.Module):
    """A layer with integer weights, a scale for each output channel, and an unchanged bias."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        weight = layer.weight.detach().float()
        largest = weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True)
        scale = largest.clamp(min=_ALMOST_ZERO) / _LARGEST
        self.register_buffer("integers", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.bias = layer.bias

    def _dequantised(self) -> torch.Tensor:
        """Return the weights in the form that OpenVINO recognises as integers with a scale."""
        integers: Any = self.integers
        return integers.float() * self.scale


class _Int8Linear(_Int8Layer):
    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(sample, self._dequantised(), self.bias)


class _Int8Convolution(_Int8Layer):
    def __init__(self, layer: torch.nn.Conv2d, *, after_silu: bool) -> None:
        super().__init__(layer)
        self._stride, self._padding = layer.stride, layer.padding
        self._after_silu = after_silu

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        if self._after_silu:
            largest = sample.amax((1, 2, 3), keepdim=True).clamp(min=_SILU_LARGEST)
            step, zero, codes = 1 / (255 - _SILU_ZERO), _SILU_ZERO, (0, 255)
        else:
            largest = sample.abs().amax((1, 2, 3), keepdim=True).clamp(min=_ALMOST_ZERO)
            step, zero, codes = 1 / _LARGEST, 0, _CODES
        quantised = torch.fake_quantize_per_tensor_affine(sample / largest, step, zero, *codes)
        sums = torch.nn.functional.conv2d(
            quantised, self._dequantised(), None, self._stride, self._padding
        )
        scaled = sums * largest
        return scaled if self.bias is None else scaled + self.bias.reshape(1, -1, 1, 1)


def quantize(unet: torch.nn.Module) -> None:
    """Quantise a UNet's 3x3 convolutions and the linear layers of its transformers.

    The first and the last convolution stay as they are, and so do the small layers.

    Raises:
        ValueError: A parameter holds NaN or infinity. Integers cannot represent them, so the
            picture would be wrong without an error.
    """
    for name, parameter in unet.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ValueError(f"{name} holds NaN or infinity")
    for part in unet.modules():
        if isinstance(part, ResnetBlock2D):
            is_silu = isinstance(part.nonlinearity, torch.nn.SiLU)
            _replace_convolutions(part, ("conv1", "conv2"), after_silu=is_silu)
        elif isinstance(part, Downsample2D | Upsample2D):
            _replace_convolutions(part, ("conv",), after_silu=False)
        elif isinstance(part, Transformer2DModel):
            _replace_linear_layers(part)


def _replace_convolutions(part: Any, names: Sequence[str], *, after_silu: bool) -> None:
    for name in names:
        layer = getattr(part, name)
        if isinstance(layer, torch.nn.Conv2d) and layer.groups == 1:
            setattr(part, name, _Int8Convolution(layer, after_silu=after_silu))


def _replace_linear_layers(transformer: torch.nn.Module) -> None:
    names = [
        name for name, part in transformer.named_modules() if isinstance(part, torch.nn.Linear)
    ]
    for name in names:
        layer: Any = transformer.get_submodule(name)
        transformer.set_submodule(name, _Int8Linear(layer))
