"""The content of a model file's header, and the errors of reading one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.checkpoints.header_values import (
    DTYPE_BITS,
    BoundedReader,
    TensorFacts,
    UnreadableHeader,
)
from domain.checkpoints.quantised import Quantisation

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
    """Return text of a file for use in a message: printable ASCII, the rest escaped; shortened."""
    escaped = ascii(text[: _LONGEST_SHOWN + 1])[1:-1]
    return escaped if len(escaped) <= _LONGEST_SHOWN else f"{escaped[:_LONGEST_SHOWN]}…"


class IncompleteFile(UnreadableHeader):
    """The header promises more bytes than there are: most often the file is still being copied.

    Attributes:
        promised: Size in bytes that the header promises; for a truncated header, the header's end.
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
    """The file is empty: most often its copying has just started, or has failed."""

    def __init__(self) -> None:
        super().__init__(promised=0, present=0)
        self.reason = "the file is empty; copy it again"
        self.args = (self.reason,)


@dataclass(frozen=True, slots=True)
class Header:
    """Everything that can be known of a model file without its tensors' data.

    Attributes:
        tensors: The tensors by name; names inside nested dictionaries are joined with dots. Of a
            file whose codes the service turns into numbers: those of a plain file of the model.
            Those of a checkpoint have the names of the original code: see
            `domain.checkpoints.arranged`.
        metadata: A safetensors file's `__metadata__`; for a pickle the short strings and numbers
            beside the tensors, such as `global_step`.
        unsafe_globals: Functions that a checkpoint's pickle does not need, such as `os.system`.
            Nothing runs them here; a file that names one must not be trusted.
        unsupported: Pickle instructions and calls that cannot be followed without running them.
        probes: The values of the tensors in `PROBES` that it has.
        markers: The data of the tensors that `marker_names` lists. No other data is read.
        quantisation: What is known of weights in codes; None if there are none.
        notes: Sentences for users without their subject, the name of the model.
        others: All names in a pickle but those of tensors and of tables that hold them.
    """

    tensors: Mapping[str, TensorFacts]
    metadata: Mapping[str, str] = field(default_factory=dict)
    unsafe_globals: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    probes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    markers: Mapping[str, bytes] = field(default_factory=dict)
    quantisation: Quantisation | None = None
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
