"""Finds the places of a network's tensors by tables of the names of its modules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.places import Place

__all__ = ["Blocks", "Names", "renamed"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_KINDS = MappingProxyType({"weight": "weight", "bias": "bias", "scale": "weight"})
"""The last word of a tensor's name, in the file and in the network."""


@dataclass(frozen=True, slots=True)
class Names:
    """The modules of a part of a network, by their names in a file.

    Attributes:
        plain: The name in the network of each module.
        fused: The modules of the network that lie in one module of the file, in the order of their
            rows. Each has as many rows as the network is wide; the last has the rest.
        swapped: As `plain`, for modules that give a shift and a scale. The file has the shift
            first, and diffusers the scale.
        whole: The names of tensors that are no module's weight or bias.
    """

    plain: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    fused: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    swapped: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    whole: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Blocks:
    """A row of equal blocks: its name in the file and in the network, and the names inside."""

    stored: str
    own: str
    names: Names


def renamed(
    tensors: Mapping[str, TensorFacts], width: int, top: Names, blocks: tuple[Blocks, ...]
) -> dict[str, Place]:
    """Return the places of all tensors that the tables know.

    Args:
        tensors: The header of the file.
        width: The numbers of a token inside the network.
        top: The modules outside the blocks.
        blocks: The rows of blocks.
    """
    found: dict[str, Place] = {}
    for name, facts in tensors.items():
        before, inner, names = _part(name, top, blocks)
        for own, place in _places(name, inner, facts, width, names):
            found[f"{before}{own}"] = place
    return found


def _part(name: str, top: Names, blocks: tuple[Blocks, ...]) -> tuple[str, str, Names]:
    """Return the start of a tensor's name in the network, the rest in the file, and its table."""
    first, _, rest = name.partition(".")
    number, _, inner = rest.partition(".")
    for each in blocks:
        if first == each.stored and number.isascii() and number.isdigit():
            return f"{each.own}.{int(number[:6])}.", inner, each.names
    return "", name, top


def _places(
    name: str, inner: str, facts: TensorFacts, width: int, names: Names
) -> Iterator[tuple[str, Place]]:
    if inner in names.whole:
        yield names.whole[inner], Place(name)
        return
    module, _, last = inner.rpartition(".")
    if (kind := _KINDS.get(last)) is None:
        return
    if module in names.plain:
        yield f"{names.plain[module]}.{kind}", Place(name)
    elif module in names.swapped:
        yield f"{names.swapped[module]}.{kind}", Place(name, swaps_halves=True)
    elif module in names.fused and facts.shape:
        own = names.fused[module]
        for number, target in enumerate(own):
            is_last = number == len(own) - 1
            end = facts.shape[0] if is_last else (number + 1) * width
            # Too few rows are reported by the shape that is missing then.
            yield (
                f"{target}.{kind}",
                Place(name, rows=(number * width, max(end, number * width + 1))),
            )
