"""Hostile model files, each made from a seed: the same seed makes the same file on any machine."""

import json
import math
import random
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from domain.checkpoints.header_values import TensorFacts
from tests.fuzz.values import mutated_bytes, odd_value
from tests.paths import ROOT
from tests.unit.classification.upscaler_headers import (
    compact,
    new_rrdb,
    old_rrdb,
    rrdb_of_bsrgan,
    span,
)
from tests.unit.filesystem.model_files import (
    call,
    legacy_file,
    pickled,
    safetensors_file,
    tensor,
    zip_file,
)

__all__ = ["COUNTS", "configurations", "pickle_file", "safetensors_of", "upscaler_file"]

COUNTS: Mapping[str, int] = {
    "pickles": 1200,
    "trained": 1000,
    "safetensors": 4000,
    "configurations": 500,
    "upscalers": 240,
    "gguf": 800,
}
"""Number of files of each kind that the tests try; `make fuzz` continues from there."""

_HUGE = 3 * 2**30
_NAMES = [
    "builtins.bytearray",
    "builtins.set",
    "collections.Counter",
    "collections.OrderedDict",
    "torch.Tensor",
    "torch.FloatTensor",
    "torch.HalfStorage",
    "torch.storage.UntypedStorage",
    "torch.Size",
    "os.system",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_tensor_v3",
    "builtins.eval",
    "torch._tensor._rebuild_from_type_v2",
    "numpy.core.multiarray.scalar",
    "argparse.Namespace",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "lightning.Callback",
    "builtins.range",
]
# Instructions that amplify small input: doubled lists, memo entries, names, nesting, texts.
_BOMBS = (
    b"]q\x00" + b"".join(b"0](h%ch%ceq%c" % (i, i, i + 1) for i in range(30)),
    b"}\x94" * 4000,
    b")\x85" * 4000,
    b"(" * 4000,
    b"cos\nsystem\n" * 200,
    b"X\x00\x08\x00\x00" + b"a" * 2048,
    b"\x8a\xff" + b"\xff" * 255,
    b"}q\x00X\x0a\x00\x00\x00state_dicth\x00s",
    b"(K\x01" + b"K\x02" * 3000 + b"t",
    b"]" * 3000,
)


def pickle_file(seed: int) -> bytes:
    """Return a file in one of torch's formats: valid tensors, an odd call, bombs, changed bytes."""
    chance = random.Random(f"pickle {seed}")
    table: dict[str, Any] = {
        f"w{number}": tensor(
            tuple(_extent(chance) for _ in range(chance.randrange(4))),
            key=str(number),
            kind=chance.choice(("HalfStorage", "FloatStorage", "LongStorage", "BFloat16Storage")),
            elements=chance.choice((81, 81, 81, 81, 0, 9)),
            offset=chance.choice((0,) * 20 + (1, 2**62)),
        )
        for number in range(chance.randrange(1, 6))
    }
    for number in range(chance.choice((0, 0, 1, 2))):
        arguments = [_argument(chance, table) for _ in range(chance.randrange(5))]
        table[f"x{number}"] = call(chance.choice(_NAMES), *arguments)
    content: dict[str, Any] = {"state_dict": table, "global_step": chance.randrange(2**70)}
    for _ in range(chance.choice((0, 0, 0, 0, 1, 2, 40))):
        content = {"state_dict": content}
    write = chance.choice((zip_file, legacy_file))
    data = write(content)
    if chance.random() < 0.4:
        return _with_changed_pickle(chance, content, data)
    return mutated_bytes(chance, data) if chance.random() < 0.7 else data


def _extent(chance: random.Random) -> int:
    return 2**40 if chance.random() < 0.02 else chance.randrange(5)


def _argument(chance: random.Random, table: Mapping[str, Any]) -> object:
    return chance.choice((_HUGE, -1, (), (2, 3), [1] * 99, "x", b"four", table["w0"], {"a": 1}))


def _with_changed_pickle(chance: random.Random, content: object, whole: bytes) -> bytes:
    """Change the instructions themselves, in a valid zip archive."""
    data = pickled(content)
    for _ in range(chance.randrange(3)):
        place = chance.randrange(2, len(data))
        data = data[:place] + chance.choice(_BOMBS) + data[place:]
    if chance.random() < 0.7:
        data = mutated_bytes(chance, data)
    return zip_file(data) if chance.random() < 0.8 else mutated_bytes(chance, whole)


def safetensors_of(seed: int) -> bytes:
    """Return a safetensors file with odd values in its header, or changed bytes."""
    chance = random.Random(f"safetensors {seed}")
    shapes = {
        f"model.{number}": tuple(chance.randrange(4) for _ in range(chance.randrange(4)))
        for number in range(chance.randrange(1, 9))
    }
    data = safetensors_file(shapes, {"format": "pt", "note": "x" * chance.randrange(99)})
    if chance.random() < 0.5:
        return mutated_bytes(chance, data)
    length = struct.unpack_from("<Q", data)[0]
    table = json.loads(data[8 : 8 + length])
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(list(table))
        if isinstance(table[name], dict) and chance.random() < 0.8:
            table[name][chance.choice(("dtype", "shape", "data_offsets", "x"))] = odd_value(chance)
        else:
            table[chance.choice((name, "y" * 600, "__metadata__"))] = odd_value(chance)
    text = json.dumps(table).encode()
    claimed = chance.choice((len(text), len(text), len(text), len(text) - 1, 2**63, 0))
    return struct.pack("<Q", claimed) + text + data[8 + length :]


_UPSCALERS: tuple[Callable[[], Mapping[str, TensorFacts]], ...] = (
    lambda: old_rrdb(blocks=2, features=4, growth=2),
    lambda: new_rrdb(blocks=1, features=4, growth=2, inputs=12),
    lambda: rrdb_of_bsrgan(blocks=1, features=4, growth=2),
    lambda: compact(blocks=3, features=4, scale=2),
    lambda: span(features=4, scale=2),
)
_EXTENTS = (0, 1, 2, 3, 4, 5, 12, 48, 500, 513, 3000)
_NUMBERS = ("0", "1", "2", "7", "99999", "100000", "00", "-1", "٣", "")


def upscaler_file(seed: int) -> bytes:
    """Return a safetensors file of an upscaler with odd shapes, layers that repeat or are gone."""
    chance = random.Random(f"upscaler {seed}")
    shapes = {name: each.shape for name, each in chance.choice(_UPSCALERS)().items()}
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        name = chance.choice(list(shapes))
        kind = chance.randrange(5)
        if kind == 0:
            del shapes[name]
        elif kind == 1:
            shape = list(shapes[name])
            shape[chance.randrange(len(shape))] = chance.choice(_EXTENTS)
            shapes[name] = tuple(shape)
        elif kind == 2:
            shapes[name] = (*shapes[name], 1) if chance.random() < 0.5 else ()
        elif kind == 3:
            pieces = name.split(".")
            pieces[chance.randrange(len(pieces))] = chance.choice(_NUMBERS)
            shapes[".".join(pieces)] = shapes[name]
        else:
            table = chance.choice(("params", "params_ema", "module", "net"))
            shapes = {f"{table}.{each}": shape for each, shape in shapes.items()}
        if not shapes or sum(math.prod(shape) for shape in shapes.values()) > 2**20:
            shapes = {"model.0.weight": (4, 3, 3, 3)}
    data = safetensors_file(shapes)
    return mutated_bytes(chance, data) if chance.random() < 0.1 else data


_PUBLISHED = ROOT / "tests/data/model-configs"
_TOKENIZER: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [
        {
            "id": 2,
            "content": "<end>",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
    ],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
    "pre_tokenizer": {
        "type": "Split",
        "pattern": {"Regex": r"\s+"},
        "behavior": "Removed",
        "invert": False,
    },
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {},
    },
    "decoder": None,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "<end>": 2}, "merges": []},
}
_STEPS: tuple[dict[str, Any], ...] = (
    {"type": "Replace", "pattern": {"Regex": "."}, "content": "aaaaaaaaaaaaaaaa"},
    {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"},
    {"type": "Replace", "pattern": {"String": ""}, "content": "b"},
    {"type": "Prepend", "prepend": "x" * 100_000},
    {"type": "Precompiled", "precompiled_charsmap": "////fwAA"},
    {"type": "Precompiled", "precompiled_charsmap": "CAAAAP//////////eno="},
    {"type": "NFKC"},
)


def configurations(seed: int, folder: Path) -> None:
    """Write the small files of a diffusers folder, some of whose fields are odd."""
    chance = random.Random(f"configurations {seed}")
    source = _PUBLISHED / chance.choice(("sd-1", "sd-2", "sdxl"))
    tables = {
        path.relative_to(source).as_posix(): json.loads(path.read_text("utf-8"))
        for path in sorted(source.rglob("*.json"))
    }
    tables["tokenizer/tokenizer.json"] = json.loads(json.dumps(_TOKENIZER))
    if chance.random() < 0.5:
        step = chance.choice(_STEPS)
        tables["tokenizer/tokenizer.json"]["normalizer"] = {
            "type": "Sequence",
            "normalizers": [step] * chance.choice((1, 2, 9, 100)),
        }
    for _ in range(chance.randint(0, 4)):
        _change(chance, tables[chance.choice(list(tables))])
    for name, table in tables.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps(table).encode()
        path.write_bytes(mutated_bytes(chance, data) if chance.random() < 0.02 else data)


def _change(chance: random.Random, table: dict[str, Any]) -> None:
    while True:
        key = chance.choice(list(table) or ["a"])
        inner = table.get(key)
        if not isinstance(inner, dict) or not inner or chance.random() < 0.3:
            break
        table = inner
    table[key if chance.random() < 0.8 else "extra_layers"] = odd_value(chance)
