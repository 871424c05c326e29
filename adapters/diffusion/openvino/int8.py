"""The layers that take most of a UNet's time, in forms that OpenVINO multiplies in 8-bit integers.

Weights have a scale for each output channel. Inputs are quantised as they come, so that no model is
calibrated first: those of linear layers by OpenVINO, in groups of a token's numbers; those of
convolutions here, with a scale for each image, so that it is drawn the same alone and in a batch.
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
"""With -127 as the least, what is below zero came out of OpenVINO one too low."""
_SILU_LEAST = 0.27846455
"""x / (1 + exp(-x)) is never below the negative of this."""
_SILU_ZERO = 48
"""The code, of 0 to 255, that is zero in an input which is an output of SiLU. Below are as many as
its least needs where its largest is 1.2 or more, as it is after a normalisation; so those above are
1.6 times as fine as symmetric ones."""
_SILU_LARGEST = _SILU_LEAST * (255 - _SILU_ZERO) / _SILU_ZERO
_ALMOST_ZERO = 1e-12


class _Int8Layer(torch.nn.Module):
    """Weights as integers and a scale for each output channel, and the bias as it was."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        weight = layer.weight.detach().float()
        largest = weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True)
        scale = largest.clamp(min=_ALMOST_ZERO) / _LARGEST
        self.register_buffer("integers", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.bias = layer.bias

    def _dequantised(self) -> torch.Tensor:
        """The weights, as OpenVINO knows integers by."""
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
    """Put such layers in the place of a UNet's 3x3 convolutions and its transformers' linear ones.

    Those that take the latents in and give them out stay as they are, and so do the small ones.

    Raises:
        ValueError: a parameter holds what is no number. Integers know no such thing, and the
            picture would not tell.
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
