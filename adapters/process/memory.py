"""The memory of this process, as Linux reports it."""

import os
from pathlib import Path

from application.ports.process_report import ProcessMemory, ProcessReport

__all__ = ["LinuxProcessReport"]

_STATM = Path("/proc/self/statm")
"""proc_pid_statm(5): the second number is the resident memory in pages."""


class LinuxProcessReport(ProcessReport):
    """Reads `/proc`. Other systems have none, so nothing is reported there."""

    @property
    def memory(self) -> ProcessMemory | None:
        try:
            page = os.sysconf("SC_PAGE_SIZE")
            resident = int(_STATM.read_text(encoding="ascii").split()[1])
            return ProcessMemory(resident * page, os.sysconf("SC_PHYS_PAGES") * page)
        except (OSError, ValueError, IndexError):
            return None
