"""What a checkpoint's pickle may name, and what it may call.

Nothing that a file names is imported or run here, so any stand-in is safe for this service. But
other programs unpickle the same file, so a file that was made to run code is refused, and the
reason says what it runs. The line lies here:

- **Rebuilders** may be called: the functions that make torch's tensors, numpy's numbers and arrays,
  and plain data of the standard library. The lists are below.
- **Classes** of other packages, and those of torch's networks and optimizers, may be named and
  called. An object of a class is a stand-in. PEP 8 tells them from functions: the name of a class
  is in CapWords. Lightning's callbacks, omegaconf's containers and DeepSpeed's settings are such
  classes. A class that begins a program, such as `psutil.Popen`, is treated as a function.
- **Functions** of other packages may be named, because the options of a training name activations
  and learning rates. A call of one is refused, as that of `pip.main`.
- **The rest of the standard library, of torch and of numpy** is refused where it is merely named.
  Pickle's instruction BUILD can put `os.system` in the place of an object's method, so that a
  later instruction runs it without a call. A checkpoint has no use for these names.
- `NEWOBJ` makes an object without a call of its class, so that its class may have any name that may
  be named. DeepSpeed has classes with names like `fragment_address`.
- `getattr` is refused except for a member of an enumeration: that is how Python 3.11 pickles them
  (`enum.py`, `Enum.__reduce_ex__`).

What the result of a call would be is the matter of `pickles.calls`.
"""

import re
import sys

from domain.checkpoints.pickles.names import is_torchs

__all__ = ["METHODS", "SPECIAL", "is_class", "may_be_called", "may_be_named"]

# Plain data of the standard library and of numpy that trainers store beside the weights.
_DATA_TEXT = """
argparse.Namespace array.array array._array_reconstructor builtins.Ellipsis
builtins.NotImplemented builtins.bool builtins.bytes builtins.dict builtins.float
builtins.frozenset builtins.int builtins.list builtins.object builtins.range builtins.slice
builtins.str builtins.tuple collections.ChainMap collections.UserDict collections.UserList
collections.UserString collections.defaultdict collections.deque datetime.date datetime.datetime
datetime.time datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction
functools.partial inspect._empty inspect._ParameterKind inspect.Parameter inspect.Signature
logging.Logger logging.RootLogger logging.getLogger operator.attrgetter operator.itemgetter
pathlib._local.Path pathlib._local.PosixPath pathlib._local.PurePath
pathlib._local.PurePosixPath pathlib._local.PureWindowsPath pathlib._local.WindowsPath
random.Random re._compile re.compile string.Template time.struct_time types.GenericAlias
types.EllipsisType types.MappingProxyType types.NoneType types.NotImplementedType
types.SimpleNamespace types.UnionType uuid.SafeUUID zoneinfo.ZoneInfo
numpy.dtype numpy.ndarray numpy.matrix numpy.recarray numpy.record numpy.rec.recarray
numpy.rec.record numpy.core.multiarray._reconstruct numpy.core.multiarray.scalar
numpy._core.multiarray._reconstruct numpy._core.multiarray.scalar
numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer numpy._globals._NoValue
numpy._globals._NoValueType numpy.ma.core.MaskedArray numpy.ma.core._mareconstruct
numpy.random.__RandomState_ctor numpy.random.mtrand.RandomState
numpy.random._generator.Generator numpy.random._mt19937.MT19937 numpy.random._pcg64.PCG64
numpy.random._philox.Philox numpy.random._sfc64.SFC64
numpy.random.bit_generator.SeedSequence numpy.random._pickle.__generator_ctor
numpy.random._pickle.__bit_generator_ctor numpy.random._pickle.__randomstate_ctor
torch.Generator torch.dtype torch.memory_format torch.layout
"""
_DATA = frozenset(_DATA_TEXT.split())
# Modules whose classes only hold values, whatever they are called with.
_VALUES = re.compile(
    r"(?:abc|collections\.abc|dataclasses|datetime|decimal|enum|fractions|ipaddress|numbers|pathlib"
    r"|typing|typing_extensions|uuid)\._?[A-Z]\w*"
    r"|builtins\.\w+(?:Error|Exception|Warning)|builtins\.(?:Exception|StopIteration)"
)
_NUMPY_TYPE = re.compile(
    r"numpy\.(?:dtypes\.\w+DType|bool_?|(?:u?int|float|complex)\d+|str_|bytes_|object_|void"
    r"|datetime64|timedelta64|u?(?:long|longlong|intc|intp|short|byte)|half|single|double"
    r"|c?longdouble|random\.\w+\.__pyx_unpickle_\w+)"
)
# Networks, layers, optimizers, schedulers and samplers, which a trainer may save as objects.
_TORCH_CLASS = re.compile(
    r"torch\.(?:nn|optim|amp|cuda\.amp|utils\.data|distributions|ao\.nn|fx\.immutable_collections"
    r"|testing\._internal)\.(?:\w+\.)*_?[A-Z]\w*"
)
_TORCH_NAME = re.compile(r"torch\.(?:nn|optim)\.[\w.]+")
# PEP 8: the name of a class is in CapWords, and the name of a function is not.
_CLASS = re.compile(r"_*[A-Z]\w*")
# The classes by which psutil, gevent, eventlet, paramiko and pexpect begin programs.
_RUNNER = re.compile(r"\w*Popen\w*|ProxyCommand|PtyProcess|PopenSpawn|Process")
_STRICT_PACKAGES = sys.stdlib_module_names | {"torch", "numpy"}

SPECIAL = frozenset(
    {
        *("copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"),
        *("builtins.getattr", "builtins.type", "operator.getitem"),
    }
)
"""Functions that are harmless with some arguments only; `pickles.calls` checks them."""
METHODS = frozenset(
    {
        *("__setstate__", "__setitem__", "append", "extend", "add", "update", "persistent_load"),
        *("__reduce__", "__reduce_ex__", "__hash__", "__eq__", "__class__", "__dict__", "__del__"),
    }
)
"""The attributes of objects that an unpickler, or Python at the end of an object, calls."""


def may_be_called(name: str) -> bool:
    """Return whether a checkpoint may have a call of this name: see the line above."""
    if is_torchs(name) or name in _DATA:
        return True
    if any(each.fullmatch(name) for each in (_VALUES, _NUMPY_TYPE, _TORCH_CLASS)):
        return True
    return _is_foreign(name) and is_class(name)


def may_be_named(name: str) -> bool:
    """Return whether a checkpoint may have this name without a call of it."""
    if name in SPECIAL or may_be_called(name) or _TORCH_NAME.fullmatch(name) is not None:
        return True
    return _is_foreign(name) and _RUNNER.fullmatch(_last(name)) is None


def is_class(name: str) -> bool:
    """Return whether a name looks like that of a class that runs no program."""
    last = _last(name)
    return _CLASS.fullmatch(last) is not None and _RUNNER.fullmatch(last) is None


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_foreign(name: str) -> bool:
    package, dot, _ = name.partition(".")
    return bool(dot) and (package not in _STRICT_PACKAGES or package == "__main__")
