"""The compact network of Real-ESRGAN (`SRVGGNetCompact` in xinntao/Real-ESRGAN)."""

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

__all__ = ["find_compact"]


def find_compact(tensors: Mapping[str, TensorFacts]) -> UpscalerNetwork | None:
    """Return the network of a file; None if its tensors are not of this architecture.

    Layers have even numbers, and their activations (PReLU) the odd ones between.

    Raises:
        UnusableUpscaler: It is this architecture, and cannot be used.
    """
    if "body.0.weight" not in tensors or not all(_is_layer(name) for name in tensors):
        return None
    if "body.1.weight" not in tensors:
        raise UnusableUpscaler(
            "it is a compact upscaler without the weights of its activations, so nothing says "
            "which activations it has"
        )
    features, inputs = shape_of(tensors, "body.0.weight", 4)[:2]
    last = max(int(name.split(".")[1]) for name in tensors)
    blocks, odd = divmod(last - 2, 2)
    if odd:
        raise UnusableUpscaler("it is a compact upscaler that ends with an activation")
    check_bounds(features=features, blocks=blocks)
    outputs = shape_of(tensors, f"body.{last}.weight", 4)[0]
    if inputs != 3:
        raise UnusableUpscaler(f"it is a compact upscaler of {inputs} input channels; RGB has 3")
    needed: Shapes = convolution("body.0", features, inputs)
    for number in range(1, blocks + 1):
        needed |= convolution(f"body.{2 * number}", features, features)
    needed |= {f"body.{number}.weight": (features,) for number in range(1, last, 2)}
    needed |= convolution(f"body.{last}", outputs, features)
    names = {name: name for name in needed}
    scale = pixel_scale(outputs)
    check_tensors(tensors, needed, names)
    return UpscalerNetwork(
        architecture=UpscalerArchitecture.COMPACT,
        scale=scale,
        features=features,
        blocks=blocks,
        names=names,
    )


def _is_layer(name: str) -> bool:
    start, _, rest = name.partition(".")
    number, _, kind = rest.partition(".")
    is_number = number.isascii() and number.isdigit() and len(number) < 6
    return start == "body" and is_number and kind in ("weight", "bias")
