"""The tensors of a file by name, of which those in codes are made when they are taken."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from domain.checkpoints.arranged import Place
from domain.checkpoints.header_values import TensorFacts

__all__ = ["Made", "Weights", "is_float8"]

Make = Callable[[torch.dtype], torch.Tensor]


class Made:
    """A tensor that is stored as codes.

    Args:
        shape: Its shape in numbers.
        make: Returns it in a precision, in memory of its own.
    """

    def __init__(self, shape: tuple[int, ...], make: Make) -> None:
        self.shape = shape
        self.make = make


class Weights(Mapping[str, torch.Tensor]):
    """The tensors of a file by name, on the CPU.

    Plain numbers of 16 bits and more are mapped from the file. Codes, and fp8, become a tensor in
    `dtype` each time that they are taken, in memory of its own. So take each of them once, and let
    go of it before the next one is taken, or keep it as a part of the model.

    Args:
        stored: What each name stands for.
        dtype: The precision of tensors that are made.
    """

    def __init__(self, stored: Mapping[str, torch.Tensor | Made], dtype: torch.dtype) -> None:
        self._stored = stored
        self.dtype = dtype

    def __getitem__(self, name: str) -> torch.Tensor:
        found = self._stored[name]
        if isinstance(found, Made):
            return found.make(self.dtype)
        return found.to(self.dtype) if is_float8(found.dtype) else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def __contains__(self, name: object) -> bool:
        return name in self._stored

    @property
    def facts(self) -> dict[str, TensorFacts]:
        """The type and the shape of each tensor as it is taken. Nothing is made for this."""
        return {name: self.facts_of(name) for name in self._stored}

    @property
    def has_codes(self) -> bool:
        """Whether any tensor is made, in the precision `dtype`."""
        return any(
            isinstance(each, Made) or is_float8(each.dtype) for each in self._stored.values()
        )

    @property
    def mapped(self) -> list[torch.Tensor]:
        """The tensors that may share memory with the file."""
        return [each for each in self._stored.values() if isinstance(each, torch.Tensor)]

    def renamed(self, names: Mapping[str, str]) -> "Weights":
        """Return the tensors under other names.

        Args:
            names: The present name of each tensor, by its name in the result. Others are left out.
        """
        return Weights({new: self._stored[old] for new, old in names.items()}, self.dtype)

    def arranged(self, places: Mapping[str, Place]) -> "Weights":
        """Return the tensors of a network by the places of each in the file. Others are left out.

        Only tensors that the file divides are copied: at once, or with codes, when they are taken.
        """
        return Weights({name: self._placed(place) for name, place in places.items()}, self.dtype)

    def _placed(self, place: Place) -> torch.Tensor | Made:
        found = [self._stored[name] for name in place.names]
        if place.is_plain:
            return found[0]
        plain = [each for each in found if isinstance(each, torch.Tensor)]
        if len(plain) == len(found) and not any(is_float8(each.dtype) for each in plain):
            return _joined(plain, place)
        return Made(
            place.facts({name: self.facts_of(name) for name in place.names}).shape,
            lambda _dtype: _joined([self[name] for name in place.names], place),
        )

    def facts_of(self, name: str) -> TensorFacts:
        """Return the type and the shape of a tensor as it is taken."""
        each = self._stored[name]
        return TensorFacts(_name(self._dtype_of(each)), tuple(each.shape))

    def replaced(self, tensors: Mapping[str, torch.Tensor]) -> "Weights":
        """Return the tensors, with others in the place of those of the same names."""
        return Weights({**self._stored, **tensors}, self.dtype)

    def under(self, *prefixes: str) -> "Weights":
        """Return the tensors whose names begin with one of `prefixes`, under the same names."""
        return self.renamed({name: name for name in self._stored if name.startswith(prefixes)})

    def taken(self, *prefixes: str) -> dict[str, torch.Tensor]:
        """Return the tensors under `prefixes` as a table, all of them made.

        Give the table to what builds one part of a model, and keep nothing else of it.
        """
        return dict(self.under(*prefixes) if prefixes else self)

    def _dtype_of(self, each: torch.Tensor | Made) -> torch.dtype:
        return self.dtype if isinstance(each, Made) or is_float8(each.dtype) else each.dtype


def _joined(tensors: Sequence[torch.Tensor], place: Place) -> torch.Tensor:
    whole = tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
    return whole.T if place.is_turned else whole


def is_float8(dtype: torch.dtype) -> bool:
    """Whether a type has 8 bits. torch computes with none of them, and MPS has none."""
    return dtype.is_floating_point and dtype.itemsize == 1


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
