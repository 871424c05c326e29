"""What a process has in memory, as Linux counts it (`proc_pid_status(5)`, `proc(5)`)."""

import contextlib
import ctypes
import gc
import re
from pathlib import Path

__all__ = ["give_back", "peak_bytes", "reset_peak", "resident_bytes"]


def resident_bytes(process: int | str = "self") -> int:
    """Bytes of the process that are in memory now."""
    return _status(process, "VmRSS")


def peak_bytes(process: int | str = "self") -> int:
    """The most that `resident_bytes` has been since `reset_peak`, or since the process began."""
    return _status(process, "VmHWM")


def reset_peak(process: int | str = "self") -> None:
    """Let the peak begin anew; where that is not allowed, the peak can only come out too high."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def give_back() -> None:
    """Collect what nobody refers to, and have glibc give what is free to the system."""
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
