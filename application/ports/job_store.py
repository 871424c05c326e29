"""Stores jobs, so that they outlive the process."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from application.job import Job, JobKey, JobStatus

__all__ = ["JobStore"]


class JobStore(ABC):
    """Jobs by caller and id. What a method has written survives the end of the process.

    Any thread may call any method. Each raises StorageUnavailable when the store cannot be reached,
    or is locked or full; then nothing was changed. It does so soon, because callers wait and hold
    threads. A method that says so waits longer for others that write.
    """

    @abstractmethod
    def accept(self, job: Job, *, instead_of: str | None = None) -> Job:
        """Store a new job, unless there is one of its key that stays.

        A job that failed or was cancelled makes room for the new one, and so does the job with the
        token `instead_of`. Of several callers that store jobs of one key at the same time, in this
        process or another, exactly one succeeds.

        Returns:
            The new job with its sequence, or the job that stays: then nothing was changed.
        """

    @abstractmethod
    def update(self, job: Job, *, patiently: bool = False) -> None:
        """Store the new state of a job. Does nothing when the job is no longer there, or is
        finished there.

        It waits longer for others that write where `patiently` is true.
        """

    @abstractmethod
    def add_bytes(self, job: Job, number: int) -> None:
        """Add to the bytes that a finished job uses, for `retire`; a negative number takes away.

        Does nothing when the job is no longer there.
        """

    @abstractmethod
    def remove(self, job: Job) -> None:
        """Remove a finished job. Does nothing when it is not there, or another job has its key."""

    @abstractmethod
    def find(self, key: JobKey) -> Job | None:
        """The job of this key."""

    @abstractmethod
    def page(
        self, caller: str, *, status: JobStatus | None, before: int | None, limit: int
    ) -> Sequence[Job]:
        """At most `limit` jobs of a caller, newest first, with a sequence less than `before`.

        Fewer only where there are no more. A row that cannot be read is skipped.
        """

    @abstractmethod
    def unfinished(self) -> Sequence[Job]:
        """Every job that is queued or running, the oldest first. Waits longer.

        A row that cannot be read counts as failed from then on, so that `retire` removes it later.
        """

    @abstractmethod
    def tokens(self) -> Collection[str]:
        """The token of every job. Waits longer."""

    @abstractmethod
    def retire(self, *, finished_before: float, keep_bytes: int) -> Collection[str]:
        """Remove finished jobs and return their tokens. Waits longer.

        The jobs that finished before that time go. If the others use more than `keep_bytes`, each
        caller keeps its `fair_share` of that: no caller's jobs are given up because of what another
        caller stores. Of one caller, jobs without pictures go first, but for the newest
        `KEPT_WITHOUT_PICTURES`; then the oldest go.
        """

    @abstractmethod
    def close(self) -> None:
        """Close files and connections."""
