"""The symbols of calls and storages in torch's pickles. Nothing is called.

The meaning of the names in torch's files is from `torch/_utils.py` and `torch/serialization.py`.
"""

from dataclasses import dataclass

from domain.checkpoints.header_values import UnreadableHeader
from domain.checkpoints.pickles import names
from domain.checkpoints.pickles.budget import PickleBudget
from domain.checkpoints.pickles.names import dtype_named, is_allocation, storage_dtype
from domain.checkpoints.pickles.stored_tensors import (
    MOST_DIMENSIONS,
    Storage,
    StoredTensor,
    name_text,
    stored_tensor,
    whole,
)

__all__ = ["OPAQUE", "GlobalName", "Opaque", "TorchCalls"]

# Bytes that CPython takes for an entry of a dictionary that grows, rounded up.
_ENTRY_BYTES = 120
_PARAMETERS = "_parameters"
"""The attribute of a torch module with its tensors by name."""


@dataclass(frozen=True, slots=True)
class GlobalName:
    """The symbol of a function or class."""

    name: str


class Opaque:
    """The symbol of an object that a header reader does not need."""


OPAQUE = Opaque()


class TorchCalls:
    """Makes the symbols of the calls and the storages in the pickles of one file.

    Attributes:
        storages: Every storage met so far, by key.
        unsupported: Calls that cannot be followed without running them, in order of appearance.
    """

    def __init__(self, budget: PickleBudget) -> None:
        self.storages: dict[str, Storage] = {}
        self.unsupported: dict[str, None] = {}
        self._budget = budget

    def result(self, function: object, arguments: object) -> object:
        """Return the symbol of what a call would return.

        Raises:
            UnreadableHeader: The call makes data that the file does not hold, or takes too much.
            TypeError: An argument has the wrong type.
        """
        if not isinstance(function, GlobalName):
            self.unsupported["a call of something that is not a function"] = None
            return OPAQUE
        values = arguments if isinstance(arguments, tuple) else ()
        if is_allocation(function.name):
            return self._allocated(function.name, values)
        match function.name:
            case "torch._tensor._rebuild_from_type_v2" if len(values) == 4:
                inner = values[0]
                if isinstance(inner, GlobalName) and inner != function:
                    return self.result(inner, values[2])
            case "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2":
                return self._tensor(*values[:4])
            case "torch._utils._rebuild_tensor_v3":
                kind = values[6]
                return self._tensor(*values[:4], dtype=dtype_named(getattr(kind, "name", "")))
            case "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state":
                return values[0]
            case "torch.nn.parameter.Parameter" if values:
                return values[0]
            case "collections.OrderedDict":
                pairs = values[0] if values and isinstance(values[0], list) else []
                self._budget.charge_instructions(len(pairs))
                flat = [part for pair in pairs if _is_pair(pair) for part in pair]
                return self.filled({}, flat)
            case names.PARAMETER_TABLE:
                return {}  # `built` fills it
            case "torch.Size" if values:
                extents = values[0] if isinstance(values[0], list | tuple) else ()
                return tuple(extents[: MOST_DIMENSIONS + 1])
        return OPAQUE

    def _tensor(self, *description: object, dtype: str | None = None) -> StoredTensor:
        tensor = stored_tensor(*description, dtype=dtype)
        self._budget.charge_repeated(tensor.repeated_bytes)
        return tensor

    def _allocated(self, name: str, values: tuple[object, ...]) -> object:
        # Python pickles a bytearray as its bytes or their text. A length alone is a bomb.
        if name == "builtins.bytearray" and not any(isinstance(each, int) for each in values):
            return OPAQUE
        raise UnreadableHeader(
            f"its pickle asks for data that it does not hold, by a call of {name}; "
            "save the tensors again as .safetensors"
        )

    def filled(self, table: dict[object, object], items: list[object]) -> dict[object, object]:
        """Add the keys and values that alternate in `items` to `table`, and return it.

        Keys other than texts and integers of 64 bits are left out.
        """
        self._budget.charge_memory(_ENTRY_BYTES * (len(items) // 2))
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str):
                table[name_text(key)] = value
            elif type(key) is int and abs(key) < 2**63:
                table[str(key)] = value
        return table

    def built(self, target: object, state: object) -> None:
        """Follow an object's `__setstate__`: the table of a module gets its parameters."""
        parameters = state.get(_PARAMETERS) if isinstance(state, dict) else None
        if isinstance(target, dict) and isinstance(parameters, dict):
            self._budget.charge_instructions(len(parameters))
            self.filled(target, [part for pair in parameters.items() for part in pair])

    def storage(self, identity: object) -> Storage:
        """Return the storage that a persistent id describes.

        Raises:
            UnreadableHeader: torch writes no such id.
        """
        # ("storage", class, key, device, elements). Old files add None, or a part of another
        # storage, which torch has not written since 0.4.
        if (
            not isinstance(identity, tuple)
            or len(identity) < 5
            or name_text(identity[0]) != "storage"
        ):
            raise UnreadableHeader("its pickle refers to data in a way that torch does not")
        if len(identity) > 5 and identity[5] is not None:
            raise UnreadableHeader("its data is in a form that torch has not written since 2018")
        dtype = storage_dtype(getattr(identity[1], "name", ""))
        if dtype is None:
            raise UnreadableHeader("its pickle names a kind of data that torch does not have")
        storage = Storage(name_text(identity[2]), dtype, whole(identity[4]))
        return self.storages.setdefault(storage.key, storage)


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2
