"""A pickle machine that builds nothing: symbols take the place of objects.

The instructions are those of `pickletools`. Nothing is imported, called or built, so a malicious
file can only be read. The instructions and their memory are counted. Every symbol is a constant, a
list, a dictionary, a tuple, a storage or tensor, or a symbol of `objects`.
"""

import pickletools
import sys
from collections.abc import Callable
from typing import IO, BinaryIO, cast

from domain.checkpoints.header_values import BoundedReader, UnreadableHeader
from domain.checkpoints.pickles.budget import PickleBudget
from domain.checkpoints.pickles.calls import TorchCalls
from domain.checkpoints.pickles.names import is_of_tensors, modern_name
from domain.checkpoints.pickles.objects import OPAQUE, GlobalName, Opaque
from domain.checkpoints.pickles.stored_tensors import name_text, whole

__all__ = ["PickleMachine"]

# The name of a function or class counts as this many instructions: each name is kept and matched.
# SDXL's pickle has 10 names.
_COST_OF_A_NAME = 100
# Bytes that CPython takes, rounded up: an object with its place on the stack; a place in a list.
_OBJECT_BYTES, _PLACE_BYTES = 100, 16
# Instructions whose argument is code, or data that is not in the file.
_UNSUPPORTED = frozenset({"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"})


_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], object]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": Opaque,
}


class PickleMachine:
    """Follows the pickles of one file.

    Attributes:
        storages: Every storage met so far, by key.
        unsafe_globals: Names that no checkpoint has a use for, and functions that the file would
            have called, in order of appearance.
        unsupported: Instructions and calls that cannot be followed without running them, in order
            of appearance.
        others: All other names but those of tensors and tables of them, in order of appearance.

    Args:
        size: The size of the file in bytes. The symbols of a larger file may take more memory.
    """

    def __init__(self, size: int) -> None:
        self._budget = PickleBudget(size)
        self._calls = TorchCalls(self._budget)
        self.storages = self._calls.storages
        self._stand_ins = self._calls.stand_ins
        self.unsupported = self._stand_ins.unsupported
        self.unsafe_globals = self._stand_ins.unsafe
        self.others: dict[str, None] = {}
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def follow(self, stream: BinaryIO | BoundedReader) -> object:
        """Follow one pickle from the stream's position to its end.

        Returns:
            The symbol of the object that it would build.

        Raises:
            UnreadableHeader: It is not a pickle, is cut off, or takes too much time or memory.
        """
        self._stack, self._marks, self._memo = [], [], {}
        try:
            for opcode, argument, _ in pickletools.genops(cast(IO[bytes], stream)):
                self._budget.charge_instructions(1)
                if opcode.name == "STOP":
                    return self._stack.pop()
                if opcode.name in _UNSUPPORTED:
                    self.unsupported[opcode.name] = None
                self._step(opcode.name, argument)
        except (ValueError, LookupError, TypeError, OverflowError) as error:
            raise UnreadableHeader("its pickle is cut off or damaged") from error
        raise UnreadableHeader("its pickle is cut off")

    def charge_memory(self, count: int) -> None:
        """Count bytes of memory. Raise UnreadableHeader if they are too many."""
        self._budget.charge_memory(count)

    def _step(self, name: str, argument: object) -> None:
        stack = self._stack
        if name in _CONSTANTS or name == "MARK":
            self._budget.charge_memory(_PLACE_BYTES)
        elif argument is not None or name in _EMPTY or name == "MEMOIZE":
            # `pickletools` made this object, and it holds no other object.
            self._budget.charge_memory(_OBJECT_BYTES + sys.getsizeof(argument))
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
                stack.append(self._calls.result(named, tuple(self._popped())))
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
            is_new = name != "REDUCE"
            stack.append(self._calls.result(stack.pop(), arguments, is_new=is_new))
        elif name in ("BINPERSID", "PERSID"):
            stack.append(self._calls.persistent(stack.pop() if name == "BINPERSID" else argument))
        elif name in ("POP", "POP_MARK", "DUP"):
            self._shuffle(name)
        elif name in ("PROTO", "FRAME", "READONLY_BUFFER"):
            pass
        else:  # numbers, texts and bytes; and EXT1, EXT2 and EXT4, whose argument is a number
            stack.append(argument)

    def _named(self, module: str, attribute: str) -> GlobalName:
        self._budget.charge_instructions(_COST_OF_A_NAME)
        name = modern_name(module, attribute)
        if not is_of_tensors(name):
            self.others[name] = None
        return self._stand_ins.named(name, attribute)

    def _taken(self, count: int) -> list[object]:
        """Take the last `count` symbols off the stack and return them."""
        if not 0 <= count <= len(self._stack):
            raise LookupError(count)
        self._budget.charge_memory(_OBJECT_BYTES + _PLACE_BYTES * count)
        start = len(self._stack) - count
        taken = self._stack[start:]
        del self._stack[start:]
        return taken

    def _popped(self) -> list[object]:
        """Take the symbols since the last mark off the stack and return them."""
        return self._taken(len(self._stack) - self._marks.pop())

    def _from_mark(self, name: str) -> None:
        items = self._popped()
        if name == "LIST":
            self._stack.append(items)
        elif name == "DICT":
            self._stack.append(self._stand_ins.filled({}, items))
        elif name == "OBJ":
            function = items[0] if items else None
            self._stack.append(self._calls.result(function, tuple(items[1:])))
        else:
            self._stack.append(OPAQUE)

    def _fill(self, name: str) -> None:
        if name in ("APPENDS", "ADDITEMS", "SETITEMS"):
            items = self._popped()
        else:
            items = self._taken(2 if name == "SETITEM" else 1)
        target = self._stack[-1]
        if name.startswith("SETITEM") and isinstance(target, dict):
            self._stand_ins.filled(target, items)
        elif name.startswith("APPEND") and isinstance(target, list):
            target.extend(items)
        elif name == "BUILD":
            self._stand_ins.built(target, items[0])

    def _shuffle(self, name: str) -> None:
        if name == "DUP":
            self._stack.append(self._stack[-1])
        elif name == "POP":
            self._taken(1)
        else:
            self._popped()
