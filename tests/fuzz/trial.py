"""Hostile files one after another, in this process: what is wrong with the handling of each."""

import io
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import UnreadableHeader, read_header
from domain.checkpoints.configurations import UnusableConfiguration, check_folder
from tests.fuzz.corpora import configurations, pickle_file, safetensors_of, upscaler_file
from tests.fuzz.gguf_corpus import gguf_of
from tests.fuzz.trained import trained_file

__all__ = ["LISTED", "MOST_MEMORY", "MOST_SECONDS", "Peak", "Trial", "measured", "resident"]

MOST_MEMORY = 64 * 2**20
"""Bytes beyond its own size that a file may take."""
MOST_SECONDS = 5.0
"""Seconds of computing that one file may take; the slowest takes a tenth of it."""

Trial = Callable[[int], tuple[str, int]]
"""Tries the file of a seed; returns the outcome, in a word, and the size of the file."""


def _listed(data: bytes, extension: str) -> str:
    try:
        header = read_header(io.BytesIO(data), len(data), extension)
    except UnreadableHeader as error:
        return _reason(error.reason)
    found = classify(header)
    if found.scale is not None:
        return "usable"
    return "loadable" if found.loadable else _reason(found.reason or "")


def _reason(text: str) -> str:
    """Raise AssertionError for a reason that a user could not read."""
    assert text, "refused without a reason"
    assert len(text) < 400, f"a reason of {len(text)} characters"
    assert text.isprintable(), f"a reason that is not printable: {text!a}"
    return "refused"


def _pickle(seed: int) -> tuple[str, int]:
    data = pickle_file(seed)
    return _listed(data, ".ckpt"), len(data)


def _trained(seed: int) -> tuple[str, int]:
    data = trained_file(seed)
    return _listed(data, ".pt"), len(data)


def _safetensors(seed: int) -> tuple[str, int]:
    data = safetensors_of(seed)
    return _listed(data, ".safetensors"), len(data)


def _upscaler(seed: int) -> tuple[str, int]:
    data = upscaler_file(seed)
    return _listed(data, ".safetensors"), len(data)


def _paths(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _configurations(seed: int) -> tuple[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configurations(seed, folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        try:
            check_folder(
                {path: (folder / path).stat().st_size for path in _paths(folder)},
                lambda path, most: (folder / path).read_bytes()[:most],
            )
        except UnusableConfiguration as error:
            return _reason(error.reason), size
    return "allowed", size


def _gguf(seed: int) -> tuple[str, int]:
    data = gguf_of(seed)
    return _listed(data, ".gguf"), len(data)


LISTED: Mapping[str, Trial] = {
    "gguf": _gguf,
    "pickles": _pickle,
    "trained": _trained,
    "safetensors": _safetensors,
    "configurations": _configurations,
    "upscalers": _upscaler,
}


def measured(
    trial: Trial, seed: int, *, meter: Callable[[], AbstractContextManager["Peak"]] | None = None
) -> tuple[str, str | None]:
    """Return the outcome of a trial, and what is wrong with it, or None.

    Args:
        trial: Handles the file.
        seed: The seed of the file.
        meter: Measures the memory; by default that of Python's objects.
    """
    began = time.process_time()
    try:
        with (meter or traced)() as peak:
            ended, size = trial(seed)
    except Exception as error:
        return "broken", f"{type(error).__name__}: {error}"
    seconds = time.process_time() - began
    if peak.taken - size > MOST_MEMORY:
        return ended, f"{peak.taken / 2**20:.0f} MiB for a file of {size:,} bytes"
    if seconds > MOST_SECONDS:
        return ended, f"{seconds:.1f} s of computing"
    return ended, None


@dataclass(slots=True)
class Peak:
    """The largest number of bytes that a block used beyond those in use at its start."""

    taken: int = 0


@contextmanager
def traced() -> Iterator[Peak]:
    """Measure the memory of Python's objects."""
    peak = Peak()
    tracemalloc.start()
    try:
        yield peak
        peak.taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextmanager
def resident() -> Iterator[Peak]:
    """Measure the memory of the process, including libraries outside Python. Linux only."""
    peak = Peak()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is reset
    before = _most_resident()
    yield peak
    peak.taken = _most_resident() - before


def _most_resident() -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024
