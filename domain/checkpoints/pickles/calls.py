"""The symbols of tensors and their data in torch's pickles. Nothing is called.

The meaning of the names in torch's files is from `torch/_utils.py` and `torch/serialization.py`.
"""

from domain.checkpoints.header_values import UnreadableHeader
from domain.checkpoints.pickles.budget import PickleBudget
from domain.checkpoints.pickles.names import dtype_named, is_allocation, storage_dtype
from domain.checkpoints.pickles.objects import OPAQUE, GlobalName, StandIns
from domain.checkpoints.pickles.stored_tensors import (
    MOST_DIMENSIONS,
    Storage,
    StoredTensor,
    name_text,
    stored_tensor,
    whole,
)

__all__ = ["TorchCalls"]


class TorchCalls:
    """Makes the symbols of the calls and the storages in the pickles of one file.

    Attributes:
        storages: Every storage met so far, by key.
        stand_ins: Makes the symbols of all other objects.
    """

    def __init__(self, budget: PickleBudget) -> None:
        self.storages: dict[str, Storage] = {}
        self.stand_ins = StandIns(budget)
        self._budget = budget

    def result(self, function: object, arguments: object, *, is_new: bool = False) -> object:
        """Return the symbol of what a call would return.

        Args:
            function: The symbol of what is called.
            arguments: The symbol of a tuple.
            is_new: Whether an object of the class is made without a call of the class.

        Raises:
            UnreadableHeader: The call makes data that the file does not hold, or takes too much.
            TypeError: An argument has the wrong type.
        """
        values = arguments if isinstance(arguments, tuple) else ()
        if not isinstance(function, GlobalName):
            return self.stand_ins.of_call(function, values)
        if is_allocation(function.name):
            return self._allocated(function.name, values)
        match function.name:
            case "torch._tensor._rebuild_from_type_v2" if len(values) == 4:
                inner = values[0]
                if isinstance(inner, GlobalName) and inner != function:
                    return self.result(inner, values[2])
                return self.stand_ins.of_call(inner, ())
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
                return self.stand_ins.filled({}, flat)
            case "torch.Size" if values:
                extents = values[0] if isinstance(values[0], list | tuple) else ()
                return tuple(extents[: MOST_DIMENSIONS + 1])
        return self.stand_ins.of_call(function, values, is_new=is_new)

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

    def persistent(self, identity: object) -> object:
        """Return the storage, or the class, that a persistent id describes.

        Until torch 1.6 the id of a class held the text of its code too, which is left out
        (`torch/serialization.py`, `_legacy_save`).

        Raises:
            UnreadableHeader: torch writes no such id.
        """
        if isinstance(identity, tuple) and len(identity) == 4 and identity[0] == "module":
            return identity[1]
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
