"""The model files that the registry's benchmarks create, and how large they are."""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily, ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.paths import DEMO_CHECKPOINT

__all__ = [
    "Plan",
    "demo_variant",
    "filled_file",
    "many_files",
    "models_in",
    "random_checkpoint",
    "sparse_file",
    "thin_file",
]

_BLOCK_BYTES = 16 * 2**20
_FILES_A_FOLDER = 100
_ALIGNMENT = 8  # the safetensors library pads its headers to this, and its tensors are mapped
_WEIGHT_SCALE = 0.02  # small enough that a network of random weights stays finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The size of a run.

    Attributes:
        scale: 1 for the size that the bounds are meant for; less to try the program, unjudged.
        busy_bytes: Bytes that are hashed while the listing is requested.
        large: Whether to switch among checkpoints of real size too.
    """

    scale: float = 1.0
    busy_bytes: int = 20 * 10**9
    large: bool = False

    @property
    def judged(self) -> bool:
        """Return True if the bounds apply."""
        return self.scale >= 1

    def scaled(self, amount: int, *, at_least: int = 1) -> int:
        """Return `amount`, scaled for this run."""
        return max(at_least, int(amount * min(1.0, self.scale)))


def sparse_file(path: Path, size: int, label: str) -> None:
    """Write a valid file with `size` bytes of zeros, which take no room on the disk.

    SHA-256 takes as long for zeros as for any bytes, and the page cache holds a page for each.
    """
    header = _header({label: ((size,), "U8", 1)})
    path.write_bytes(header)
    os.truncate(path, len(header) + size)


def thin_file(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Write a valid bfloat16 file of zeros with these tensors; the zeros take no room."""
    header = _header({name: (shape, "BF16", 2) for name, shape in shapes.items()})
    path.write_bytes(header)
    os.truncate(path, len(header) + 2 * sum(map(math.prod, shapes.values())))


def filled_file(path: Path, size: int, label: str) -> None:
    """Write a valid file with `size` bytes of noise, which repeats itself."""
    block = os.urandom(min(_BLOCK_BYTES, size))
    with path.open("wb") as file:
        file.write(_header({label: ((size,), "U8", 1)}))
        for begin in range(0, size, len(block)):
            file.write(block[: size - begin])


def many_files(folder: Path, count: int, size: int) -> None:
    """Write `count` sparse files with different bytes, a hundred in each sub-folder."""
    for index in range(count):
        path = folder / f"{index // _FILES_A_FOLDER:04}" / f"{index:05}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        sparse_file(path, size, f"weights.{index}")


def random_checkpoint(path: Path, family: ModelFamily, *, seed: int) -> None:
    """Write a float16 checkpoint of random values with every tensor of the family, in real size."""
    import numpy as np

    generator = np.random.default_rng(seed)
    numbers = generator.standard_normal(_BLOCK_BYTES // 2, dtype=np.float32) * _WEIGHT_SCALE
    block = memoryview(numbers.astype(np.float16).tobytes())
    parts = checkpoint_parts(family).values()
    shapes = {name: shape for part in parts for name, shape in part.items()}
    with path.open("wb") as file:
        file.write(_header({name: (shape, "F16", 2) for name, shape in shapes.items()}))
        at = 0
        for shape in shapes.values():
            left = 2 * math.prod(shape)
            while left:
                written = file.write(block[at : at + left])
                at, left = (at + written) % len(block), left - written


def demo_variant(path: Path, number: int) -> None:
    """Write the demo checkpoint with each weight's last bit changed; unchanged for number 0."""
    import numpy as np

    content = DEMO_CHECKPOINT.read_bytes()
    data_at = 8 + int.from_bytes(content[:8], "little")
    weights = np.frombuffer(content, np.uint16, offset=data_at) ^ np.uint16(number)
    path.write_bytes(content[:data_at] + weights.tobytes())


def models_in(
    folder: Path, *, cache: str | None = None, between_scans: Callable[[], None] | None = None
) -> tuple[ModelRecord, ...]:
    """Return the models in `folder`. Each file is hashed at once, without waiting for it to settle.

    Hashes are stored in `cache`, if a path is given.
    """
    known = None if cache is None else IdentityCache(cache)
    source = FilesystemModelSource([str(folder)], known, settle_seconds=0)
    registry = ModelRegistry(source)
    if between_scans is None:
        registry.refresh()
    else:
        while registry.look():
            between_scans()
    source.close()
    return registry.models()


def _header(tensors: Mapping[str, tuple[tuple[int, ...], str, int]]) -> bytes:
    """Return a safetensors header with tensors of these shapes, types and bytes per number."""
    table, end = {}, 0
    for name, (shape, dtype, width) in tensors.items():
        begin, end = end, end + width * math.prod(shape)
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
