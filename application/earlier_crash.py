"""Finds the job that crashed an earlier process."""

import threading

from application.job import Job, JobStatus
from application.ports.crash_record import CrashRecord
from application.ports.job_store import JobStore

__all__ = ["EarlierCrash"]


class EarlierCrash:
    """Tells the job that crashed the earlier process from jobs that were merely drawn beside it.

    A crash is certainly the fault of a job only if the process drew no other job. If it drew
    several, each is drawn again by itself, and the next crash shows which. Any thread may ask.
    """

    def __init__(self, record: CrashRecord, jobs: JobStore) -> None:
        self._record = record
        self._jobs = jobs
        self._asking = threading.Lock()
        self._is_known = False
        self._cause: str | None = None
        self._suspect: str | None = None

    def cause(self, job: Job) -> str | None:
        """Return the fault by which this job ended the earlier process; None if it did not.

        Raises StorageUnavailable.
        """
        with self._asking:
            self._look()
            return self._cause if job.token == self._suspect else None

    def settle(self) -> None:
        """Begin the record of this process: all jobs of the earlier one are dealt with.

        For a thread that draws.
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
            running = [job.token for job in unfinished if job.status is JobStatus.RUNNING]
            self._suspect = running[0] if len(running) == 1 else None
            if len(running) > 1:
                # Once some of them wait again, a later process would blame the one that is left.
                self._record.forget()
        self._is_known = True
