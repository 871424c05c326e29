"""A pickle machine that builds nothing: symbols stand in the place of objects.

The instructions are those of `pickletools`; what the names in torch's files stand for is from
`torch/_utils.py` and `torch/serialization.py`. Nothing is imported, called or built, so a malicious
file can do no more than be read: its instructions and their memory are counted, and every symbol is
a constant, a list, a dictionary, a tuple or one of the classes below.
"""

import pickletools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from domain.checkpoints.header_values import BoundedReader, UnreadableHeader
from domain.checkpoints.pickles.names import (
    dtype_named,
    is_allocation,
    is_harmless,
    is_of_tensors,
    modern_name,
    storage_dtype,
)
from domain.checkpoints.pickles.stored_tensors import (
    MOST_DIMENSIONS,
    Storage,
    StoredTensor,
    name_text,
    stored_tensor,
    whole,
)

__all__ = ["PickleMachine"]

# SDXL's has 150,000, a training state with its optimizer some 500,000.
_MOST_INSTRUCTIONS = 1_000_000
# What naming a function or class counts as: each name is kept and matched, and SDXL's has 10.
_COST_OF_A_NAME = 100
# Bytes that CPython takes, rounded up: an object with its place on the stack; an entry of a
# dictionary that grows; a place in a list.
_OBJECT_BYTES, _ENTRY_BYTES, _PLACE_BYTES = 100, 120, 16
# Of all tensors that show stored elements more than once; SDXL in float32 has 14 GB.
_MOST_REPEATED_BYTES = 2**34
_LEAST_MEMORY, _MOST_MEMORY = 32 * 2**20, 512 * 2**20
# Their argument is code, or data that is not in the file.
_UNSUPPORTED = frozenset({"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"})


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


class _Opaque:
    """Anything that a header reader need not know."""


_OPAQUE = _Opaque()
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], object]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": _Opaque,
}


class PickleMachine:
    """Follows the pickles of one file.

    Attributes:
        storages: Every storage met so far, by key.
        unsafe_globals: Names that no checkpoint has a use for, in order of appearance.
        unsupported: What cannot be followed without running it, in order of appearance.
        others: Names of anything but tensors and tables of them, in order of appearance.

    Args:
        size: Of the file in bytes; what its symbols may take grows with it.
    """

    def __init__(self, size: int) -> None:
        self.storages: dict[str, Storage] = {}
        self.unsafe_globals: dict[str, None] = {}
        self.unsupported: dict[str, None] = {}
        self.others: dict[str, None] = {}
        self._left = _MOST_INSTRUCTIONS
        self._memory = min(_LEAST_MEMORY + size, _MOST_MEMORY)
        self._repeated = _MOST_REPEATED_BYTES
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def follow(self, stream: BinaryIO | BoundedReader) -> object:
        """Follow one pickle from the stream's position to its end.

        Returns:
            The symbol of what it would build.

        Raises:
            UnreadableHeader: It is no pickle, is cut off, or asks for too much time or memory.
        """
        self._stack, self._marks, self._memo = [], [], {}
        try:
            for opcode, argument, _ in pickletools.genops(cast(IO[bytes], stream)):
                self._charge(1)
                if opcode.name == "STOP":
                    return self._stack.pop()
                if opcode.name in _UNSUPPORTED:
                    self.unsupported[opcode.name] = None
                self._step(opcode.name, argument)
        except (ValueError, LookupError, TypeError, OverflowError) as error:
            raise UnreadableHeader("its pickle is cut off or damaged") from error
        raise UnreadableHeader("its pickle is cut off")

    def _charge(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise UnreadableHeader("it has more pickle instructions than any model file's")

    def charge_memory(self, count: int) -> None:
        """Note that so many bytes are taken. Raises UnreadableHeader when they are too many."""
        self._memory -= count
        if self._memory < 0:
            raise UnreadableHeader("its pickle asks for more memory than any model file's")

    def _step(self, name: str, argument: object) -> None:
        stack = self._stack
        if name in _CONSTANTS or name == "MARK":
            self.charge_memory(_PLACE_BYTES)
        elif argument is not None or name in _EMPTY or name == "MEMOIZE":
            # The size of an object that `pickletools` made, which holds no other.
            self.charge_memory(_OBJECT_BYTES + sys.getsizeof(argument))
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "MARK":
            self._marks.append(len(stack))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[whole(argument)] = stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self._memo[whole(argument)])
        elif name in ("GLOBAL", "INST"):
            module, _, attribute = name_text(argument).partition(" ")
            named = self._named(module, attribute)
            if name == "INST":
                stack.append(self._called(named, tuple(self._popped())))
            else:
                stack.append(named)
        elif name == "STACK_GLOBAL":
            attribute = name_text(stack.pop())
            stack.append(self._named(name_text(stack.pop()), attribute))
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            count = len(stack) - self._marks.pop() if name == "TUPLE" else int(name[-1])
            stack.append(tuple(self._taken(count)))
        elif name in ("LIST", "FROZENSET", "DICT", "OBJ"):
            self._from_mark(name)
        elif name in ("APPEND", "APPENDS", "ADDITEMS", "SETITEM", "SETITEMS", "BUILD"):
            self._fill(name)
        elif name in ("REDUCE", "NEWOBJ", "NEWOBJ_EX"):
            arguments = self._taken(2 if name == "NEWOBJ_EX" else 1)[0]
            stack.append(self._called(stack.pop(), arguments))
        elif name in ("BINPERSID", "PERSID"):
            stack.append(self._storage(stack.pop() if name == "BINPERSID" else argument))
        elif name in ("POP", "POP_MARK", "DUP"):
            self._shuffle(name)
        elif name in ("PROTO", "FRAME", "READONLY_BUFFER"):
            pass
        else:  # numbers, texts, bytes; and EXT1 and its like, whose argument is an opaque number
            stack.append(argument)

    def _named(self, module: str, attribute: str) -> _Global:
        self._charge(_COST_OF_A_NAME)
        name = modern_name(module, attribute)
        if not is_harmless(name):
            self.unsafe_globals[name] = None
        if not is_of_tensors(name):
            self.others[name] = None
        return _Global(name)

    def _taken(self, count: int) -> list[object]:
        """The last `count` symbols, taken off the stack."""
        if not 0 <= count <= len(self._stack):
            raise LookupError(count)
        self.charge_memory(_OBJECT_BYTES + _PLACE_BYTES * count)
        start = len(self._stack) - count
        taken = self._stack[start:]
        del self._stack[start:]
        return taken

    def _popped(self) -> list[object]:
        """The symbols since the last mark, taken off the stack; an unmarked one is below all."""
        return self._taken(len(self._stack) - self._marks.pop())

    def _from_mark(self, name: str) -> None:
        items = self._popped()
        if name == "LIST":
            self._stack.append(items)
        elif name == "DICT":
            self._stack.append(self._filled({}, items))
        elif name == "OBJ":
            function = items[0] if items else None
            self._stack.append(self._called(function, tuple(items[1:])))
        else:
            self._stack.append(_OPAQUE)

    def _fill(self, name: str) -> None:
        if name in ("APPENDS", "ADDITEMS", "SETITEMS"):
            items = self._popped()
        else:
            items = self._taken(2 if name == "SETITEM" else 1)
        target = self._stack[-1]
        if name.startswith("SETITEM") and isinstance(target, dict):
            self._filled(target, items)
        elif name.startswith("APPEND") and isinstance(target, list):
            target.extend(items)

    def _shuffle(self, name: str) -> None:
        if name == "DUP":
            self._stack.append(self._stack[-1])
        elif name == "POP":
            self._taken(1)
        else:
            self._popped()

    def _called(self, function: object, arguments: object) -> object:
        if not isinstance(function, _Global):
            self.unsupported["a call of something that is not a function"] = None
            return _OPAQUE
        values = arguments if isinstance(arguments, tuple) else ()
        if is_allocation(function.name):
            return self._allocated(function.name, values)
        match function.name:
            case "torch._tensor._rebuild_from_type_v2" if len(values) == 4:
                inner = values[0]
                if isinstance(inner, _Global) and inner != function:
                    return self._called(inner, values[2])
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
                self._charge(len(pairs))
                flat = [part for pair in pairs if _is_pair(pair) for part in pair]
                return self._filled({}, flat)
            case "torch.Size" if values:
                extents = values[0] if isinstance(values[0], list | tuple) else ()
                return tuple(extents[: MOST_DIMENSIONS + 1])
        return _OPAQUE

    def _tensor(self, *description: object, dtype: str | None = None) -> StoredTensor:
        tensor = stored_tensor(*description, dtype=dtype)
        self._repeated -= tensor.repeated_bytes
        if self._repeated < 0:
            raise UnreadableHeader("its pickle describes tensors far larger than their data")
        return tensor

    def _allocated(self, name: str, values: tuple[object, ...]) -> object:
        # Python pickles a bytearray as its bytes or their text; its length alone is a bomb.
        if name == "builtins.bytearray" and not any(isinstance(each, int) for each in values):
            return _OPAQUE
        raise UnreadableHeader(
            f"its pickle asks for data that it does not hold, by a call of {name}; "
            "save the tensors again as .safetensors"
        )

    def _filled(self, table: dict[object, object], items: list[object]) -> dict[object, object]:
        """`table` with the keys and values that alternate in `items`, but for odd keys."""
        self.charge_memory(_ENTRY_BYTES * (len(items) // 2))
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str):
                table[name_text(key)] = value
            elif type(key) is int and abs(key) < 2**63:
                table[str(key)] = value
        return table

    def _storage(self, identity: object) -> Storage:
        # ("storage", class, key, device, elements) and, in old files, None or what part of
        # another storage it is, which no torch since 0.4 writes.
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
