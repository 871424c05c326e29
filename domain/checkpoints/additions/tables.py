"""Compares the tensors of a file with those that its network must have."""

from collections.abc import Mapping

from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unets.layers import Shape

__all__ = ["check_tensors", "shape_of"]

_FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})
_SHOWN = 3


def shape_of(tensors: Mapping[str, TensorFacts], name: str, dimensions: int) -> Shape:
    """Return the shape of a tensor that decides the structure of a network.

    Raises:
        UnusableAddition: The tensor is missing, or has another number of dimensions.
    """
    if name not in tensors:
        raise UnusableAddition(f"its tensor {name} is missing")
    shape = tensors[name].shape
    if len(shape) != dimensions or min(shape) < 1:
        raise UnusableAddition(f"its tensor {name} has the shape {shape}")
    return shape


def check_tensors(
    title: str, tensors: Mapping[str, TensorFacts], expected: Mapping[str, Shape]
) -> None:
    """Check that a file has exactly the tensors of its network.

    Args:
        title: What the network is, such as `ControlNet`.
        tensors: The tensors of the file by the names of the network.
        expected: The tensors that the network has.

    Raises:
        UnusableAddition: A tensor is missing, has another shape, is not of a kind that can be drawn
            with, or has no place in the network.
    """
    if missing := [name for name in expected if name not in tensors]:
        raise UnusableAddition(f"it is not a whole {title}: it lacks {_some(missing)}")
    if unread := [name for name in tensors if name not in expected]:
        raise UnusableAddition(
            f"it holds tensors that no {title} of its kind has ({_some(unread)}); without them it "
            "would act otherwise than its author meant"
        )
    for name, shape in expected.items():
        found = tensors[name]
        if found.shape != shape:
            raise UnusableAddition(
                f"its tensor {_shown(name)} has the shape {found.shape}, and the others ask for "
                f"{shape}"
            )
        if found.dtype not in _FLOATS:
            raise UnusableAddition(
                f"its tensor {_shown(name)} holds {found.dtype}, which nothing here draws with"
            )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(_shown, names[:_SHOWN])) + more


def _shown(name: str) -> str:
    return ascii(name[:100])[1:-1]
