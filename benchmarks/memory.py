"""The memory of a process, as Linux counts it (`proc_pid_status(5)`, `proc(5)`)."""

import contextlib
import ctypes
import gc
import re
from pathlib import Path

__all__ = ["anonymous_bytes", "give_back", "peak_bytes", "reset_peak", "resident_bytes"]


def resident_bytes(process: int | str = "self") -> int:
    """Return the bytes of the process that are in memory now."""
    return _status(process, "VmRSS")


def anonymous_bytes(process: int | str = "self") -> int:
    """Return the bytes that are in memory now and in no file. The system cannot drop them."""
    return _status(process, "RssAnon")


def peak_bytes(process: int | str = "self") -> int:
    """Return the peak of `resident_bytes` since `reset_peak`, or since the process started."""
    return _status(process, "VmHWM")


def reset_peak(process: int | str = "self") -> None:
    """Reset the peak. If the kernel does not allow it, the measured peak can only be too high."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def give_back() -> None:
    """Collect garbage, and make glibc return free memory to the system."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(process: int | str, field: str) -> int:
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(rf"^{field}:\s*(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"/proc/{process}/status has no {field}; has the process ended?")
    return int(found[1]) * 1024
