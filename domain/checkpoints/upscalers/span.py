"""SPAN, the swift parameter-free attention network (Wan et al. 2023, arXiv:2311.12770).

A file holds each convolution as it was trained: a path of three convolutions beside a path of one.
Both are one convolution of 3 × 3 when pictures are enlarged (hongyuanyu/SPAN, `Conv3XC`). The file
also holds that one (`eval_conv`), as it was when the file was saved; it is computed again.
"""

from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.upscalers.network import (
    UnusableUpscaler,
    UpscalerArchitecture,
    UpscalerNetwork,
)
from domain.checkpoints.upscalers.shapes import (
    Shapes,
    check_bounds,
    check_tensors,
    convolution,
    pixel_scale,
    shape_of,
)

__all__ = ["find_span"]

_BLOCKS = 6
_GAIN = 2
"""How much wider the path of three convolutions is."""
_NO_NORMALISATION = "no_norm"
"""A tensor of this name says that the network does not subtract the mean colour."""


def find_span(tensors: Mapping[str, TensorFacts]) -> UpscalerNetwork | None:
    """Return the network of a file; None if its tensors are not of this architecture.

    Raises:
        UnusableUpscaler: It is this architecture, and cannot be used.
    """
    if "conv_1.sk.weight" not in tensors or "block_1.c1_r.sk.weight" not in tensors:
        return None
    features, inputs = shape_of(tensors, "conv_1.sk.weight", 4)[:2]
    check_bounds(features=features)
    if inputs != 3:
        raise UnusableUpscaler(f"it is a SPAN upscaler of {inputs} input channels; RGB has 3")
    outputs = shape_of(tensors, "upsampler.0.weight", 4)[0]
    needed = _trained("conv_1", features, inputs) | _trained("conv_2", features, features)
    for block in range(1, _BLOCKS + 1):
        for part in (1, 2, 3):
            needed |= _trained(f"block_{block}.c{part}_r", features, features)
    needed |= convolution("conv_cat", features, 4 * features, kernel=1)
    needed |= convolution("upsampler.0", outputs, features)
    names = {name: name for name in needed}
    scale = pixel_scale(outputs)
    evaluated = (name for name in tensors if ".eval_conv." in name)
    check_tensors(tensors, needed, names, ignored=(_NO_NORMALISATION, *evaluated))
    return UpscalerNetwork(
        architecture=UpscalerArchitecture.SPAN,
        scale=scale,
        features=features,
        blocks=_BLOCKS,
        normalises=_NO_NORMALISATION not in tensors,
        names=names,
    )


def _trained(name: str, outputs: int, inputs: int) -> Shapes:
    return {
        **convolution(f"{name}.sk", outputs, inputs, kernel=1),
        **convolution(f"{name}.conv.0", inputs * _GAIN, inputs, kernel=1),
        **convolution(f"{name}.conv.1", outputs * _GAIN, inputs * _GAIN),
        **convolution(f"{name}.conv.2", outputs, outputs * _GAIN, kernel=1),
    }
