"""How soon unchanged files are listed, after a restart and by a scan."""

import hashlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from benchmarks.children import in_child
from benchmarks.registry.files import Plan, many_files, models_in
from benchmarks.report import Row
from domain.services.model_registry import ModelRegistry

__all__ = ["restart", "scan"]

_RESTART_FILES = 1_000
_RESTART_FILE_BYTES = 2 * 2**20
_SCAN_FILES = 10_000
_SCAN_FILE_BYTES = 4096
_ROUNDS = 5


def restart(plan: Plan, folder: Path) -> Iterator[Row]:
    """Time from the start of a process until it lists the models that an earlier process hashed."""
    count = plan.scaled(_RESTART_FILES)
    models, cache = _hashed_folder(folder, count, _RESTART_FILE_BYTES)
    ours, plain = [], []
    for _ in range(_ROUNDS):
        ours.append(_seconds_until(listed, models, cache, count))
        plain.append(_seconds_until(hashed, models, cache, count))
    yield Row(
        name="restart",
        what=f"start of a process until {count:,} unchanged files are listed",
        unit="s",
        ours=max(ours),
        plain=statistics.median(plain),
        plain_is="a process that hashes them again, one after the other",
        bound=1,
        bound_of="ours",
        judged=plan.judged,
        note=f"slowest of {_ROUNDS}, median {statistics.median(ours):.2f} s; "
        f"files of {_RESTART_FILE_BYTES / 2**20:.0f} MiB, while real checkpoints have gigabytes; "
        "plain is a median",
    )


def scan(plan: Plan, folder: Path) -> Iterator[Row]:
    """A scan of files that did not change: how long it takes, and whether it opens any."""
    count = plan.scaled(_SCAN_FILES)
    models, cache = _hashed_folder(folder, count, _SCAN_FILE_BYTES)
    found = in_child(scans, str(models), cache, count)
    yield Row(
        name="scan",
        what=f"a scan of {count:,} unchanged files",
        unit="s",
        ours=max(found["scans"]),
        plain=statistics.median(found["walks"]),
        plain_is="os.walk and os.stat",
        bound=0.5,
        bound_of="ours",
        judged=plan.judged,
        note=f"slowest of {_ROUNDS}, median {statistics.median(found['scans']):.3f} s; the first "
        f"scan of the process, from the cache: {found['first']:.3f} s; plain is a median",
    )
    yield Row(
        name="scan-opened",
        what=f"files that a scan of {count:,} unchanged ones opens",
        unit="files",
        ours=found["opened"],
        plain=count,
        plain_is="a scan that reads each header",
        bound=0,
        bound_of="ours",
        judged=plan.judged,
        note=f"by sys.addaudithook; bytes read in /proc/self/io: {found['read']}",
    )


def listed(folder: str, cache: str) -> dict[str, Any]:
    """List `folder` as the service does, from the cache; runs in a child process."""
    registry = ModelRegistry(FilesystemModelSource([folder], IdentityCache(cache)))
    registry.refresh()
    return {"count": len(registry.models()), "at": time.monotonic()}


def hashed(folder: str, _cache: str) -> dict[str, Any]:
    """Hash every file in `folder`; runs in a child process."""
    found = {}
    for path in Path(folder).rglob("*.safetensors"):
        with path.open("rb") as file:
            found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return {"count": len(found), "at": time.monotonic()}


def scans(folder: str, cache: str, count: int) -> dict[str, Any]:
    """Time scans and plain walks, and count what a scan opens and reads; runs in a child."""
    registry = ModelRegistry(FilesystemModelSource([folder], IdentityCache(cache)))
    first = _seconds_of_scan(registry, count)
    times, walks = [], []
    for _ in range(_ROUNDS):
        times.append(_seconds_of_scan(registry, count))
        walks.append(_seconds_of_walk(folder, count))
    opened: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(folder):
            opened.append(str(arguments[0]))

    sys.addaudithook(note)
    asking = -_bytes_read() + _bytes_read()
    before = _bytes_read()
    _seconds_of_scan(registry, count)
    read = _bytes_read() - before - asking
    return {"first": first, "scans": times, "walks": walks, "opened": len(opened), "read": read}


def _hashed_folder(folder: Path, count: int, size: int) -> tuple[Path, str]:
    """Return a folder with that many files, and the cache with their hashes."""
    models, cache = folder / "models", str(folder / "models.sqlite")
    many_files(models, count, size)
    known = models_in(models, cache=cache)
    if len(known) != count:
        raise RuntimeError(f"{len(known)} models are listed; {count} files were written")
    return models, cache


def _seconds_until(function: Any, models: Path, cache: str, count: int) -> float:
    # On one machine, CLOCK_MONOTONIC is the same clock for every process.
    began = time.monotonic()
    found = in_child(function, str(models), cache)
    if found["count"] != count:
        raise RuntimeError(f"{found['count']} files were found; {count} were written")
    return float(found["at"]) - began


def _seconds_of_scan(registry: ModelRegistry, count: int) -> float:
    began = time.perf_counter()
    moving = registry.look()
    seconds = time.perf_counter() - began
    if moving or len(registry.models()) != count:
        raise RuntimeError(f"not all of the {count} files were in the cache")
    return seconds


def _seconds_of_walk(folder: str, count: int) -> float:
    began = time.perf_counter()
    found = [
        os.stat(os.path.join(parent, name))
        for parent, _, names in os.walk(folder)
        for name in names
    ]
    seconds = time.perf_counter() - began
    if len(found) != count:
        raise RuntimeError(f"{len(found)} files were found; {count} were written")
    return seconds


def _bytes_read() -> int:
    """Return the bytes this process has read by system calls so far (`rchar` in proc_pid_io(5))."""
    with open("/proc/self/io", encoding="ascii") as file:
        return int(file.readline().split()[1])
