"""Which job an earlier process crashed with."""

import threading

from application.job import Job, JobStatus
from application.ports.crash_record import CrashRecord
from application.ports.job_store import JobStore

__all__ = ["EarlierCrash"]


class EarlierCrash:
    """Tells the job that crashed the earlier process from those that merely ended with it.

    A crash is one job's fault for certain only where that job alone was being drawn. Where there
    were several, each is drawn again, alone, and the next crash tells. Any thread may ask.
    """

    def __init__(self, record: CrashRecord, jobs: JobStore) -> None:
        self._record = record
        self._jobs = jobs
        self._asking = threading.Lock()
        self._is_known = False
        self._cause: str | None = None
        self._suspect: str | None = None

    def cause(self, job: Job) -> str | None:
        """What ended the earlier process because of this job, in words; None where none did.

        Raises StorageUnavailable.
        """
        with self._asking:
            self._look()
            return self._cause if job.token == self._suspect else None

    def settle(self) -> None:
        """All jobs of the earlier process are dealt with; begin the record of this process.

        For the thread that draws.
        """
        with self._asking:
            self._is_known, self._suspect = True, None
            self._record.begin()

    def _look(self) -> None:
        if self._is_known:
            return
        self._cause = self._record.earlier()
        if self._cause is not None:
            unfinished = self._jobs.unfinished()
            begun = [job.token for job in unfinished if job.status is JobStatus.RUNNING]
            self._suspect = begun[0] if len(begun) == 1 else None
        self._is_known = True
