"""What a model file's header says, and how reading one fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.checkpoints.header_values import (
    DTYPE_BITS,
    BoundedReader,
    TensorFacts,
    UnreadableHeader,
)

__all__ = [
    "DTYPE_BITS",
    "BoundedReader",
    "EmptyFile",
    "Header",
    "IncompleteFile",
    "TensorFacts",
    "UnreadableHeader",
    "shown",
]

_LONGEST_SHOWN = 100


def shown(text: str) -> str:
    """A text of a file's making, for a message: in printable ASCII, the rest escaped; not long."""
    escaped = ascii(text[: _LONGEST_SHOWN + 1])[1:-1]
    return escaped if len(escaped) <= _LONGEST_SHOWN else f"{escaped[:_LONGEST_SHOWN]}…"


class IncompleteFile(UnreadableHeader):
    """The header promises more bytes than there are: most often a file that is still being copied.

    Attributes:
        promised: Size in bytes that the header promises; for one that is itself cut off, its end.
        present: Size in bytes of the file now.
    """

    def __init__(self, *, promised: int, present: int) -> None:
        self.promised = promised
        self.present = present
        super().__init__(
            f"the file has {present:,} of the {promised:,} bytes that its header promises; "
            "finish copying it, or copy it again"
        )


class EmptyFile(IncompleteFile):
    """The file has no bytes: most often one whose copying has just begun, or has failed."""

    def __init__(self) -> None:
        super().__init__(promised=0, present=0)
        self.reason = "the file is empty; copy it again"
        self.args = (self.reason,)


@dataclass(frozen=True, slots=True)
class Header:
    """All that can be known of a model file without its tensors' data.

    Attributes:
        tensors: The tensors by name; names inside nested dictionaries are joined with dots.
        metadata: A safetensors file's `__metadata__`; of a pickle the short texts and numbers
            that lie beside the tensors, such as `global_step`.
        unsafe_globals: Functions that a pickle of a checkpoint has no use for, such as
            `os.system`. Nothing runs them here; a file that names one is not to be trusted.
        unsupported: Pickle instructions and calls that cannot be followed without running them.
        probe: The values of the tensor `PROBE`, the only data that is read; None without it.
    """

    tensors: Mapping[str, TensorFacts]
    metadata: Mapping[str, str] = field(default_factory=dict)
    unsafe_globals: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    probe: tuple[float, ...] | None = None
