"""Which names and instructions a torch file may hold: those that torch's safe loader accepts.

Facts from torch 2.13, `torch/_weights_only_unpickler.py` (`torch.load(..., weights_only=True)`); a
contract test compares them with the torch that is installed.
"""

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

__all__ = ["SAFE_OPCODES", "dtype_named", "is_safe_global", "modern_name", "storage_dtype"]

_OPCODE_TEXT = """
APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE BUILD
EMPTY_DICT EMPTY_LIST EMPTY_SET EMPTY_TUPLE GLOBAL LONG1 LONG_BINGET LONG_BINPUT MARK NEWFALSE
NEWOBJ NEWTRUE NONE PROTO REDUCE SETITEM SETITEMS SHORT_BINSTRING STOP TUPLE TUPLE1 TUPLE2
TUPLE3
"""
SAFE_OPCODES = frozenset(_OPCODE_TEXT.split())

# torch's name of an element type by the first word of its storage and tensor classes.
_CLASS_DTYPES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "ComplexDouble": "complex128",
    "ComplexFloat": "complex64",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
}
_DTYPES = {
    **{f"torch.{name}": name for name in _CLASS_DTYPES.values()},
    **{f"torch.uint{bits}": f"uint{bits}" for bits in (16, 32, 64)},
    **{
        f"torch.float8_{kind}": f"float8_{kind}"
        for kind in ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz", "e8m0fnu")
    },
    "torch.complex32": "complex32",
}
_GLOBAL_TEXT = """
_codecs.encode builtins.bytearray builtins.complex builtins.set collections.Counter
collections.OrderedDict torch.Size torch.Tensor torch._tensor._rebuild_from_type_v2 torch.device
torch.nn.parameter.Parameter torch.serialization._get_layout torch.storage.TypedStorage
torch.storage.UntypedStorage torch._utils._rebuild_device_tensor_from_cpu_tensor
torch._utils._rebuild_device_tensor_from_numpy torch._utils._rebuild_meta_tensor_no_storage
torch._utils._rebuild_nested_tensor torch._utils._rebuild_parameter
torch._utils._rebuild_parameter_with_state torch._utils._rebuild_qtensor
torch._utils._rebuild_sparse_tensor torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2
torch._utils._rebuild_tensor_v3 torch._utils._rebuild_wrapper_subclass
"""
_SAFE = frozenset(_GLOBAL_TEXT.split())
_STORAGE = re.compile(r"torch\.(?:cuda\.)?(\w+)Storage")
_QUANTIZED = re.compile(
    r"torch\.(?:q(?:u?int\d+(?:x\d)?)|per_\w+_(?:affine\w*|symmetric)|Q\w+Storage)"
)
_NARROW = re.compile(r"torch\.(?:u?int[1-7]|bits\d+(?:x\d)?|float4_e2m1fn_x2)")
_TENSOR = re.compile(r"torch\.(?:cuda\.)?(?:sparse\.)?(\w+)Tensor")


def modern_name(module: str, attribute: str) -> str:
    """The dotted name in Python 3, and a portable one: `posix.system` becomes `os.system`."""
    if (module, attribute) in NAME_MAPPING:
        module, attribute = NAME_MAPPING[module, attribute]
    module = IMPORT_MAPPING.get(module, module)
    return f"{'os' if module in ('posix', 'nt') else module}.{attribute}"


def is_safe_global(name: str) -> bool:
    """True when torch's safe loader accepts the name: what it then runs is torch's own code."""
    if name in _SAFE or name in _DTYPES or storage_dtype(name) is not None:
        return True
    if _QUANTIZED.fullmatch(name) or _NARROW.fullmatch(name):
        return True
    tensor = _TENSOR.fullmatch(name)
    return tensor is not None and tensor[1] in _CLASS_DTYPES and not tensor[1].startswith("Complex")


def dtype_named(name: str) -> str | None:
    """The element type that a global such as `torch.float8_e4m3fn` names; None for another."""
    return _DTYPES.get(name)


def storage_dtype(name: str) -> str | None:
    """The element type of a storage class such as `torch.HalfStorage`; None for another."""
    if name == "torch.storage.UntypedStorage":
        return "uint8"
    found = _STORAGE.fullmatch(name)
    return _CLASS_DTYPES.get(found[1]) if found else None
