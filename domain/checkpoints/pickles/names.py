"""The functions and classes that the pickle of a checkpoint may name.

Nothing that a file names is imported or run. A name decides how a call of it is read. It also
decides whether the file is refused, because a checkpoint has no use for the name.

The names of torch are facts from torch 2.13, `torch/_weights_only_unpickler.py` and
`torch/_utils.py`; a contract test compares them with the torch that is installed.
"""

import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

__all__ = [
    "PARAMETER_TABLE",
    "dtype_named",
    "is_allocation",
    "is_harmless",
    "is_of_tensors",
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
# Plain data of the standard library and of numpy that trainers store beside the weights.
_DATA_TEXT = """
argparse.Namespace builtins.bool builtins.bytes builtins.dict builtins.float builtins.frozenset
builtins.int builtins.list builtins.object builtins.range builtins.slice builtins.str
builtins.tuple collections.defaultdict collections.deque copyreg._reconstructor
datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone
decimal.Decimal fractions.Fraction pathlib.Path pathlib.PosixPath pathlib.PurePath
pathlib.PurePosixPath pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.Path
pathlib._local.PosixPath pathlib._local.PurePosixPath pathlib._local.WindowsPath
types.NoneType types.SimpleNamespace typing.Any uuid.UUID
numpy.dtype numpy.ndarray
numpy.core.multiarray._reconstruct numpy.core.multiarray.scalar
numpy._core.multiarray._reconstruct numpy._core.multiarray.scalar
numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
numpy.random._pickle.__generator_ctor numpy.random._pickle.__bit_generator_ctor
numpy.random._pickle.__randomstate_ctor
"""
_TENSOR_TEXT = """
collections.OrderedDict torch.Size torch._tensor._rebuild_from_type_v2 torch.Tensor
torch.nn.parameter.Parameter torch._utils._rebuild_parameter torch._utils._rebuild_tensor
torch._utils._rebuild_tensor_v2 torch._utils._rebuild_tensor_v3 torch.storage.UntypedStorage
"""
_TORCHS = frozenset(_GLOBAL_TEXT.split())
_ALLOCATIONS = frozenset(_ALLOCATION_TEXT.split())
_OF_TENSORS = frozenset(_TENSOR_TEXT.split())
_DATA = frozenset(_DATA_TEXT.split())
_NUMPY_TYPE = re.compile(
    r"numpy\.(?:dtypes\.\w+DType|bool_?|(?:u?int|float|complex)\d+|str_|bytes_|datetime64)"
)
_STORAGE = re.compile(r"torch\.(?:cuda\.)?(\w+)Storage")
_QUANTIZED = re.compile(
    r"torch\.(?:q(?:u?int\d+(?:x\d)?)|per_\w+_(?:affine\w*|symmetric)|Q\w+Storage)"
)
_NARROW = re.compile(r"torch\.(?:u?int[1-7]|bits\d+(?:x\d)?|float4_e2m1fn_x2)")
_TENSOR = re.compile(r"torch\.(?:cuda\.)?(?:sparse\.)?(\w+)Tensor")
# PEP 8: the name of a class is in CapWords, and the name of a function is not.
_CLASS = re.compile(r"_*[A-Z]\w*")
_STRICT_PACKAGES = sys.stdlib_module_names | {"torch", "numpy"}


def modern_name(module: str, attribute: str) -> str:
    """Return the dotted name in Python 3. It is portable: `posix.system` becomes `os.system`."""
    if (module, attribute) in NAME_MAPPING:
        module, attribute = NAME_MAPPING[module, attribute]
    module = IMPORT_MAPPING.get(module, module)
    return f"{'os' if module in ('posix', 'nt') else module}.{attribute}"


def is_harmless(name: str) -> bool:
    """Return whether a checkpoint may name this: torch's tensors, plain data, trainers' classes.

    For the standard library, torch and numpy a list decides. Every class of another package is
    harmless, because an inert object takes its place; the package need not be installed. A function
    of another package is not harmless, because the file would have it called.
    """
    if name in _TORCHS or name in _DTYPES or name in _DATA or storage_dtype(name) is not None:
        return True
    if name == PARAMETER_TABLE:
        return True
    if any(each.fullmatch(name) for each in (_QUANTIZED, _NARROW, _NUMPY_TYPE)):
        return True
    if _is_tensor_class(name):
        return True
    package, _, rest = name.partition(".")
    is_foreign = package not in _STRICT_PACKAGES or package == "__main__"
    return is_foreign and _CLASS.fullmatch(rest.rpartition(".")[2]) is not None


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
