"""How fast the registry hashes, and how much memory that takes."""

import hashlib
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.children import in_child
from benchmarks.memory import peak_bytes, reset_peak, resident_bytes
from benchmarks.registry.files import Plan, filled_file, models_in, sparse_file
from benchmarks.report import Row, cores

__all__ = ["hash_in_threads", "hash_one_after_the_other", "hashing", "memory"]

_FILES_A_CORE = 4
_HASHED_BYTES = 4 * 2**30
_MEMORY_BYTES = 8 * 2**30
_ROUNDS = 3
_SCAN_SECONDS = 0.005


def hashing(plan: Plan, folder: Path) -> Iterator[Row]:
    """Throughput over several files in the page cache."""
    count = _FILES_A_CORE * cores()
    total = plan.scaled(_HASHED_BYTES)
    paths = [folder / f"{index}.safetensors" for index in range(count)]
    for path in paths:
        filled_file(path, total // count, path.stem)
    size = sum(path.stat().st_size for path in paths)
    hash_one_after_the_other(paths)  # reads missing pages into the page cache
    plain, ours = [], []
    for _ in range(_ROUNDS):
        plain.append(size / hash_one_after_the_other(paths) * cores())
        ours.append(size / _by_the_registry(folder, count))
    yield Row(
        name="hashing",
        what=f"{count} files, {size / 1e9:.1f} GB, page cache warm",
        unit="GB/s",
        ours=statistics.median(ours) / 1e9,
        plain=statistics.median(plain) / 1e9,
        plain_is=f"hashlib.file_digest on one core × {cores()} cores",
        bound=0.9,
        bound_of="ratio",
        at_least=True,
        judged=plan.judged,
        note=f"medians of {_ROUNDS} alternating rounds; without the second that files settle",
    )


def memory(plan: Plan, folder: Path) -> Iterator[Row]:
    """Peak memory that hashing adds to a process that has not hashed before."""
    count = _FILES_A_CORE * cores()
    total = plan.scaled(_MEMORY_BYTES)
    for index in range(count):
        sparse_file(folder / f"{index}.safetensors", total // count, f"weights.{index}")
    yield Row(
        name="memory",
        what=f"peak of resident memory that hashing {count} files, {total / 1e9:.1f} GB, adds",
        unit="MB",
        ours=in_child(memory_of_the_registry, str(folder), count) / 1e6,
        plain=in_child(memory_of_threads, str(folder)) / 1e6,
        plain_is=f"hashlib.file_digest in {cores()} threads",
        bound=64,
        bound_of="ours",
        judged=plan.judged,
        note="sparse files; each in a process of its own, compared with its memory before",
    )


def memory_of_the_registry(folder: str, count: int) -> int:
    """Return bytes; runs in a child process."""
    before = _begin()
    _by_the_registry(Path(folder), count)
    return peak_bytes() - before


def memory_of_threads(folder: str) -> int:
    """Return bytes; runs in a child process."""
    before = _begin()
    hash_in_threads(folder)
    return peak_bytes() - before


def hash_in_threads(folder: str) -> list[str]:
    """Return the digests of the files in `folder`, with one thread per core."""
    with ThreadPoolExecutor(cores()) as threads:
        return list(threads.map(_digest, Path(folder).iterdir()))


def _begin() -> int:
    before = resident_bytes()
    reset_peak()
    return before


def _by_the_registry(folder: Path, count: int) -> float:
    began = time.perf_counter()
    models = models_in(folder, between_scans=lambda: time.sleep(_SCAN_SECONDS))
    seconds = time.perf_counter() - began
    if len(models) != count:
        raise RuntimeError(f"{len(models)} models are listed; {count} files were written")
    return seconds


def hash_one_after_the_other(paths: list[Path]) -> float:
    """Return the seconds that one thread takes."""
    began = time.perf_counter()
    for path in paths:
        _digest(path)
    return time.perf_counter() - began


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
