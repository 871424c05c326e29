"""The names that torch's files have for tensors, their data and their types.

Nothing that a file names is imported or run. These names decide how a call is read;
`pickles.uses` decides which names a checkpoint may have at all.

The names of torch are facts from torch 2.13, `torch/_weights_only_unpickler.py` and
`torch/_utils.py`; a contract test compares them with the torch that is installed.
"""

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

__all__ = [
    "PARAMETER_TABLE",
    "dtype_named",
    "is_allocation",
    "is_of_tensors",
    "is_torchs",
    "modern_name",
    "storage_dtype",
]

PARAMETER_TABLE = "torch.nn.modules.container.ParameterDict"
"""A table of tensors as a module. The first files of textual inversion have one."""

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
# Calls that make tensors and memory without data in the file. torch's safe loader runs them.
_ALLOCATION_TEXT = """
builtins.bytearray torch.Tensor torch.storage.TypedStorage torch.storage.UntypedStorage
torch._utils._rebuild_device_tensor_from_cpu_tensor torch._utils._rebuild_device_tensor_from_numpy
torch._utils._rebuild_meta_tensor_no_storage torch._utils._rebuild_nested_tensor
torch._utils._rebuild_qtensor torch._utils._rebuild_sparse_tensor
torch._utils._rebuild_wrapper_subclass
"""
_TENSOR_TEXT = """
collections.OrderedDict torch.Size torch._tensor._rebuild_from_type_v2 torch.Tensor
torch.nn.parameter.Parameter torch._utils._rebuild_parameter torch._utils._rebuild_tensor
torch._utils._rebuild_tensor_v2 torch._utils._rebuild_tensor_v3 torch.storage.UntypedStorage
"""
_TORCHS = frozenset(_GLOBAL_TEXT.split())
_ALLOCATIONS = frozenset(_ALLOCATION_TEXT.split())
_OF_TENSORS = frozenset(_TENSOR_TEXT.split())
_STORAGE = re.compile(r"torch\.(?:cuda\.)?(\w+)Storage")
_QUANTIZED = re.compile(
    r"torch\.(?:q(?:u?int\d+(?:x\d)?)|per_\w+_(?:affine\w*|symmetric)|Q\w+Storage)"
)
_NARROW = re.compile(r"torch\.(?:u?int[1-7]|bits\d+(?:x\d)?|float4_e2m1fn_x2)")
_TENSOR = re.compile(r"torch\.(?:cuda\.)?(?:sparse\.)?(\w+)Tensor")
_PUBLIC = {"posix": "os", "nt": "os", "_operator": "operator"}
"""The public module of what CPython keeps in another one."""


def modern_name(module: str, attribute: str) -> str:
    """Return the dotted name in Python 3. It is portable: `posix.system` becomes `os.system`."""
    if (module, attribute) in NAME_MAPPING:
        module, attribute = NAME_MAPPING[module, attribute]
    module = IMPORT_MAPPING.get(module, module)
    return f"{_PUBLIC.get(module, module)}.{attribute}"


def is_torchs(name: str) -> bool:
    """Return whether it is a name that torch writes for tensors, or that its safe loader allows."""
    if name in _TORCHS or name in _DTYPES or storage_dtype(name) is not None:
        return True
    if name == PARAMETER_TABLE or _is_tensor_class(name):
        return True
    return _QUANTIZED.fullmatch(name) is not None or _NARROW.fullmatch(name) is not None


def is_of_tensors(name: str) -> bool:
    """Return whether this name makes a tensor of stored data, or the table of the tensors."""
    return name in _OF_TENSORS or name in _DTYPES or storage_dtype(name) is not None


def is_allocation(name: str) -> bool:
    """Return whether a call of it makes memory or tensors in a form that no checkpoint has.

    `bytearray` copies its argument. It allocates memory only if the argument is a number.
    """
    return name in _ALLOCATIONS or storage_dtype(name) is not None or _is_tensor_class(name)


def dtype_named(name: str) -> str | None:
    """Return the element type of a global such as `torch.float8_e4m3fn`; None for another one."""
    return _DTYPES.get(name)


def storage_dtype(name: str) -> str | None:
    """Return the element type of a class such as `torch.HalfStorage`; None for another one."""
    if name == "torch.storage.UntypedStorage":
        return "uint8"
    found = _STORAGE.fullmatch(name)
    return _CLASS_DTYPES.get(found[1]) if found else None


def _is_tensor_class(name: str) -> bool:
    found = _TENSOR.fullmatch(name)
    return found is not None and found[1] in _CLASS_DTYPES and not found[1].startswith("Complex")
