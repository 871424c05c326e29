"""Where the tensor of a network lies in a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.checkpoints.header_values import TensorFacts

__all__ = ["Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """The tensors of a file that make one tensor of a network.

    Attributes:
        names: Their names in the file, in order. Several are joined along the first dimension.
        is_turned: Whether the result is the transposed matrix.
    """

    names: tuple[str, ...]
    is_turned: bool = False

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("a tensor comes from at least one tensor of the file")

    @property
    def is_plain(self) -> bool:
        """Whether it is one tensor of the file, as it is."""
        return len(self.names) == 1 and not self.is_turned

    def facts(self, tensors: Mapping[str, TensorFacts]) -> TensorFacts:
        """Return the type and shape of the result.

        Raises:
            KeyError: The file lacks one of the tensors.
        """
        found = [tensors[name] for name in self.names]
        shape = found[0].shape
        if len(found) > 1 and all(each.shape for each in found):
            shape = (sum(each.shape[0] for each in found), *shape[1:])
        if self.is_turned:
            shape = shape[::-1]
        return TensorFacts(found[0].dtype, shape)
