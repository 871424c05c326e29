"""Compares the tensors of a file with those that a network needs."""

import math
from collections.abc import Iterable, Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.upscalers.network import LARGEST, MOST_WEIGHTS, SCALES, UnusableUpscaler

__all__ = ["Shapes", "check_bounds", "check_tensors", "convolution", "pixel_scale", "shape_of"]

Shapes = dict[str, tuple[int, ...]]

_DTYPES = frozenset({"float16", "bfloat16", "float32", "float64"})
_SHOWN = 60


def convolution(name: str, outputs: int, inputs: int, kernel: int = 3) -> Shapes:
    """Return the shapes of a convolution's weight and bias."""
    return {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}


def shape_of(tensors: Mapping[str, TensorFacts], name: str, dimensions: int) -> tuple[int, ...]:
    """Return the shape of a tensor that decides the size of a network.

    Raises:
        UnusableUpscaler: The tensor is missing, or has another number of dimensions.
    """
    if name not in tensors:
        raise UnusableUpscaler(f"it is an upscaler that lacks the tensor {name}; download it again")
    shape = tensors[name].shape
    if len(shape) != dimensions:
        raise UnusableUpscaler(
            f"it is an upscaler whose tensor {name} has {len(shape)} dimensions, not {dimensions}"
        )
    return shape


def pixel_scale(channels: int) -> int:
    """Return the scale of a network whose last convolution makes squares of RGB pixels.

    Raises:
        UnusableUpscaler: The channels are not three times a square number within the limits.
    """
    scale = math.isqrt(channels // 3)
    if scale * scale * 3 != channels or scale not in SCALES:
        raise UnusableUpscaler(
            f"it is an upscaler whose last layer makes {channels} channels, which is not 3 for "
            f"each pixel of a scale between {SCALES[0]} and {SCALES[-1]}"
        )
    return scale


def check_bounds(**numbers: int) -> None:
    """Check `features`, `growth` and `blocks` of a network.

    Raises:
        UnusableUpscaler: A number is 0, or larger than that of any published network.
    """
    for name, number in numbers.items():
        if not 1 <= number <= LARGEST[name]:
            raise UnusableUpscaler(
                f"it is an upscaler with {number} {name}; between 1 and {LARGEST[name]} are "
                "supported"
            )


def check_tensors(
    tensors: Mapping[str, TensorFacts],
    needed: Mapping[str, tuple[int, ...]],
    names: Mapping[str, str],
    ignored: Iterable[str] = (),
) -> None:
    """Check that the file has each needed tensor with its shape, and no others.

    Args:
        tensors: The tensors of the file.
        needed: The shape of each weight, by its name in the network.
        names: The name of each weight in the file, by its name in the network.
        ignored: Names in the file that the network has no use for.

    Raises:
        UnusableUpscaler: A tensor is missing, left over, or has another shape or type.
    """
    if sum(math.prod(shape) for shape in needed.values()) > MOST_WEIGHTS:
        raise UnusableUpscaler(f"it is an upscaler with more than {MOST_WEIGHTS:,} weights")
    for name, shape in needed.items():
        facts = tensors.get(names[name])
        if facts is None:
            raise UnusableUpscaler(f"it is an upscaler that lacks the tensor {names[name]}")
        if facts.shape != shape:
            raise UnusableUpscaler(
                f"it is an upscaler whose tensor {names[name]} has the shape "
                f"{list(facts.shape)[:8]}, not {list(shape)}"
            )
        if facts.dtype not in _DTYPES:
            raise UnusableUpscaler(
                f"it is an upscaler whose tensor {names[name]} has the type {facts.dtype}; get it "
                "in 16 or 32 bits"
            )
    left = tensors.keys() - {names[name] for name in needed} - set(ignored)
    if left:
        raise UnusableUpscaler(
            f"it is an upscaler with {len(left)} tensors that its network has no place for, such "
            f"as {min(left)[:_SHOWN]!a}"
        )
