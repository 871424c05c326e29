"""Helpers for layouts whose file fuses several tensors of the network into one."""

from collections.abc import Iterator, Mapping, Sequence

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import Place, UnusableNetwork, shape_in

__all__ = ["fused", "heads_of", "width_of", "with_new_start"]


def fused(
    name: str, facts: TensorFacts, targets: Sequence[str], sizes: Sequence[int] | None = None
) -> Iterator[tuple[str, Place]]:
    """Yield the places of tensors whose rows lie one after another in a tensor of the file.

    Args:
        name: The tensor of the file.
        facts: Its shape.
        targets: The names in the network.
        sizes: The rows of each; None for equal parts.

    Raises:
        UnusableNetwork: The rows of the file are not those of the parts.
    """
    rows = facts.shape[0] if facts.shape else 0
    parts = [rows // len(targets)] * len(targets) if sizes is None else sizes
    if sum(parts) != rows or min(parts) < 1:
        raise UnusableNetwork(f"its tensor {name} has the shape {facts.shape}")
    start = 0
    for target, size in zip(targets, parts, strict=True):
        yield target, Place(name, (start, start + size))
        start += size


def heads_of(width: int, head: int, expected: int) -> int:
    """Return the number of attention heads, each of `head` numbers.

    Raises:
        UnusableNetwork: The heads have another width than `expected`, which its positions fit.
    """
    if head != expected or width % head:
        raise UnusableNetwork(
            f"its attention heads have {head} of {width} numbers; {expected} are right"
        )
    return width // head


def with_new_start(name: str, table: Mapping[str, str]) -> str:
    """Return a name with the first beginning that the table has replaced."""
    for old, new in table.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def width_of(tensors: Mapping[str, TensorFacts], name: str) -> int:
    """Return the length of a vector.

    Raises:
        UnusableNetwork: There is none of this name.
    """
    return shape_in(tensors, name, 1)[0]
