"""Where the numbers of a network's tensors lie in a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from domain.checkpoints.header_values import TensorFacts

__all__ = [
    "LayoutOf",
    "NetworkLayout",
    "Place",
    "UnusableNetwork",
    "count_of",
    "identical",
    "shape_in",
    "shown",
    "some",
]

Shape = tuple[int, ...]
_SHOWN = 3


class UnusableNetwork(Exception):
    """A file is not such a network. `reason` is a sentence for a user, without its subject."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """The numbers of a file that a tensor of a network takes.

    The steps come in this order: the rows are cut out, the halves change places, the matrix is
    transposed, the shape is given.

    Attributes:
        name: The tensor of the file.
        rows: The first row and the row after the last; None for all of them.
        swaps_halves: Whether the second half of the rows comes before the first.
        is_transposed: Whether rows become columns.
        shape: The shape of the result; None for the shape that it has.
    """

    name: str
    rows: tuple[int, int] | None = None
    swaps_halves: bool = False
    is_transposed: bool = False
    shape: Shape | None = None

    def __post_init__(self) -> None:
        if self.rows is not None and not 0 <= self.rows[0] < self.rows[1]:
            raise ValueError(f"rows is {self.rows}; it must be a first row and one after it")

    def shape_of(self, stored: Shape) -> Shape:
        """Return the shape of the tensor, for the shape of the tensor in the file.

        Raises:
            UnusableNetwork: The tensor of the file has too few rows or dimensions for it.
        """
        shape = stored
        if self.rows is not None:
            if not shape or shape[0] < self.rows[1]:
                raise UnusableNetwork(f"its tensor {shown(self.name)} has the shape {stored}")
            shape = (self.rows[1] - self.rows[0], *shape[1:])
        if self.swaps_halves and (not shape or shape[0] % 2):
            raise UnusableNetwork(f"its tensor {shown(self.name)} has the shape {stored}")
        if self.is_transposed:
            if len(shape) != 2:
                raise UnusableNetwork(f"its tensor {shown(self.name)} has the shape {stored}")
            shape = (shape[1], shape[0])
        if self.shape is not None:
            if prod(shape) != prod(self.shape):
                raise UnusableNetwork(f"its tensor {shown(self.name)} has the shape {stored}")
            shape = self.shape
        return shape


@dataclass(frozen=True, slots=True)
class NetworkLayout:
    """A network in a file.

    Attributes:
        config: The configuration of its class in diffusers or transformers.
        places: Where each tensor comes from, by its name in that class.
        left_out: The tensors of the file without which it draws the same.
        equal: Pairs of tensors of the file that must hold the same numbers. The network has such a
            tensor once.
        identities: The tensors of the network that are identity matrices, and are in no file.
    """

    config: Mapping[str, object]
    places: Mapping[str, Place]
    left_out: frozenset[str] = frozenset()
    equal: tuple[tuple[str, str], ...] = ()
    identities: frozenset[str] = frozenset()

    def unread(self, tensors: Mapping[str, TensorFacts]) -> Iterator[str]:
        """Yield the tensors of a file that the network does not read whole, and must."""
        read: dict[str, list[tuple[int, int]]] = {}
        for place in self.places.values():
            rows = place.rows or (0, _rows(tensors[place.name]))
            read.setdefault(place.name, []).append(rows)
        paired = {name for pair in self.equal for name in pair}
        for name, facts in tensors.items():
            if name in self.left_out or (name in paired and name not in read):
                continue
            if name not in read or not _covers(read[name], _rows(facts)):
                yield name


LayoutOf = Callable[[Mapping[str, TensorFacts]], NetworkLayout]
"""Finds a network in a file by its header. It raises UnusableNetwork."""


def identical(names: Iterable[str], without: str = "") -> dict[str, Place]:
    """Return the places of tensors that have the names of the network in the file.

    Args:
        names: The tensors of the file.
        without: What stands before the name of the network.
    """
    return {name.removeprefix(without): Place(name) for name in names}


def shape_in(tensors: Mapping[str, TensorFacts], name: str, dimensions: int) -> Shape:
    """Return the shape of a tensor that decides the structure of a network.

    Raises:
        UnusableNetwork: The tensor is missing, or has another number of dimensions.
    """
    if name not in tensors:
        raise UnusableNetwork(f"its tensor {name} is missing")
    shape = tensors[name].shape
    if len(shape) != dimensions or min(shape) < 1:
        raise UnusableNetwork(f"its tensor {name} has the shape {shape}")
    return shape


def count_of(names: Iterable[str], before: str, most: int) -> int:
    """Return the number of layers whose names begin with `before` and a number from 0 on.

    Raises:
        UnusableNetwork: There are none, one is missing, or there are more than `most`.
    """
    found = {name[len(before) :].partition(".")[0][:6] for name in names if name.startswith(before)}
    numbers = {int(each) for each in found if each.isascii() and each.isdigit()}
    if not numbers or len(numbers) > most or max(numbers) != len(numbers) - 1:
        raise UnusableNetwork(f"it has {len(numbers)} layers {before}… where 1 to {most} are right")
    return len(numbers)


def shown(name: str) -> str:
    """Return a name of a tensor as a message shows it."""
    return ascii(name[:200])[1:-1]


def some(names: list[str]) -> str:
    """Return the first names of a list as a message shows them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(shown, names[:_SHOWN])) + more


def _rows(facts: TensorFacts) -> int:
    return facts.shape[0] if facts.shape else 1


def _covers(pieces: list[tuple[int, int]], rows: int) -> bool:
    """Whether the pieces are the rows from 0 to `rows`, each once or more often."""
    end = 0
    for first, last in sorted(pieces):
        if first > end:
            return False
        end = max(end, last)
    return end == rows
