"""Objects that trainers keep beside their tensors, and calls that no checkpoint needs."""

import datetime
import decimal
import enum
import functools
import operator
import re
import typing
from collections import defaultdict, deque
from pathlib import Path, PurePosixPath
from typing import Any

from tests.unit.filesystem.model_files import call, pickled

__all__ = ["CALLED", "TRAINED", "VALUES", "module"]


def name(text: str) -> Any:
    return call(text).function


class Colour(enum.Enum):
    RED = 1


class Options:
    def __init__(self) -> None:
        self.rate, self.colour = 1e-4, Colour.RED


class Table(dict[str, int]):
    pass


class Slots:
    __slots__ = ("rate",)

    def __getstate__(self) -> object:
        return None, {"rate": 1}

    def __setstate__(self, state: object) -> None:
        pass


VALUES: dict[str, object] = {
    "enumeration": Colour.RED,
    "object": Options(),
    "table": Table(a=1),
    "slots": Slots(),
    "default": defaultdict(list, {"a": [1]}),
    "queue": deque([1, 2], 3),
    "path": Path("logs/last.ckpt"),
    "pure path": PurePosixPath("a"),
    "time": datetime.datetime(2022, 8, 22, tzinfo=datetime.UTC),
    "number": decimal.Decimal("0.1"),
    "generic": dict[str, int],
    "optional": typing.Optional[int],  # noqa: UP045
    "union": typing.Union[int, str],  # noqa: UP007
    "type of None": type(None),
    "pattern": re.compile("a+"),
    "partial": functools.partial(int, base=2),
    "getter": operator.itemgetter("loss"),
    "set": {1, 2},
    "frozen": frozenset({1}),
    "bytes": b"\x00\xff",
    "range": range(3),
    "complex": 1j,
    "error": ValueError("a"),
    "ellipsis": ...,
}


LIGHTNING = "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"
TRAINED: dict[str, Any] = {
    "Lightning's callback as a key": {name(LIGHTNING): {"best_model_path": ""}},
    "Lightning's hyperparameters": call("pytorch_lightning.utilities.parsing.AttributeDict"),
    "a newer Lightning": call("lightning.fabric.utilities.data.AttributeDict"),
    "omegaconf": call("omegaconf.dictconfig.DictConfig"),
    "omegaconf's metadata": call("omegaconf.base.ContainerMetadata", name("typing.Any")),
    "OmegaConf in a list": [call("omegaconf.listconfig.ListConfig")],
    "a function as an option": {"activation": name("torch.nn.functional.silu")},
    "another package's function": {"schedule": name("ldm.lr_scheduler.lambda_schedule")},
    "a partial layer": call("functools.partial", name("torch.nn.modules.normalization.LayerNorm")),
    "an optimizer": call("torch.optim.adamw.AdamW"),
    "a scaler": call("torch.cuda.amp.grad_scaler.GradScaler"),
    "a sampler": call("torch.utils.data.sampler.RandomSampler"),
    "DeepSpeed's stage": call("deepspeed.runtime.zero.config.ZeroStageEnum", 2),
    "numpy's state": call("numpy.random.__RandomState_ctor"),
    "numpy's array": call("numpy.core.multiarray._reconstruct", name("numpy.ndarray"), (0,), b"b"),
    "numpy's masked array": call("numpy.ma.core._mareconstruct"),
    "a member of an enumeration": call("builtins.getattr", name("diffusers.Kind"), "FIRST"),
    "an old object": call("copyreg._reconstructor", name("a.B"), name("builtins.object"), None),
    "a logger": call("logging.getLogger", "train"),
    "a type": call("builtins.type", None),
}


CALLED: dict[str, tuple[Any, str]] = {
    "a function": (call("ldm.util.instantiate", {}), "ldm.util.instantiate"),
    "an activation": (call("torch.nn.functional.silu", 1), "torch.nn.functional.silu"),
    "getattr of a module": (call("builtins.getattr", "os", "system"), "builtins.getattr"),
    "getattr of a hidden name": (
        call("builtins.getattr", name("a.B"), "__init__"),
        "builtins.getattr",
    ),
    "a new class": (call("builtins.type", "A", (), {}), "builtins.type"),
    "an item": (call("operator.getitem", [1], 0), "operator.getitem"),
    "a program": (call("psutil.Popen", ["true"]), "psutil.Popen"),
    "a program by gevent": (call("gevent.subprocess.Popen", ["true"]), "gevent.subprocess.Popen"),
    "a program by copyreg": (
        call("copyreg._reconstructor", name("subprocess.Popen"), name("subprocess.Popen"), ["a"]),
        "subprocess.Popen",
    ),
    "a function by copyreg": (
        call("copyreg._reconstructor", name("a.run"), name("a.run"), "x"),
        "a.run",
    ),
    "copyreg in itself": (
        call("copyreg.__newobj__", name("copyreg.__newobj__"), name("a.B")),
        "copyreg.__newobj__",
    ),
    "a type's rebuilder": (
        call("torch._tensor._rebuild_from_type_v2", name("os.system"), 1, ("true",), {}),
        "os.system",
    ),
    "an interpreter": (call("code.InteractiveInterpreter"), "code.InteractiveInterpreter"),
    "a file": (call("logging.FileHandler", "/etc/a"), "logging.FileHandler"),
    "a named function": (name("os.system"), "os.system"),
    "a named class": (name("subprocess.Popen"), "subprocess.Popen"),
    "a loader": (name("torch.load"), "torch.load"),
    "a pickle in a pickle": (
        call("torch.storage._load_from_bytes", b"a"),
        "torch.storage._load_from_bytes",
    ),
}


def module(**tables: object) -> bytes:
    """Return the instructions for a network that was saved as a whole."""
    state = pickled({"training": False, **{f"_{key}": each for key, each in tables.items()}})
    return b"ctorch.nn.modules.linear\nLinear\n)\x81" + state[2:-1] + b"b"
