"""Bounds the callers that hold a thread, so that other requests find a free thread."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

from adapters.http.edge.client_disconnect import wait_for_pictures
from adapters.http.edge.prefer import Preference
from adapters.http.generation.requests import AnyNamed, NamedRequest
from application.fairness import fair_places
from application.job import JobStatus, JobView
from application.jobs.job_service import JobService
from application.jobs.live_job import Submission
from domain.errors import DomainError, JobNotFound, QueueFull, TooManyCallers
from domain.generation.any_request import AnyRequest, AnyResult, as_drawn
from domain.generation.request import GenerationRequest, GenerationResult

__all__ = ["DrawnJob", "Places", "Wait", "WaitingCallers"]

Wait = Callable[[Submission, float | None], AnyResult]
"""Waits for the result of a submission, for at most this many seconds; None for no bound."""


class Places:
    """A bounded number of places. No caller may take so many that a new caller finds none.

    `fair_places` decides how many places a caller may hold.

    Args:
        number: The number of places.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._held: Counter[str] = Counter()
        self._changing = threading.Lock()

    @property
    def taken(self) -> int:
        """The number of taken places."""
        with self._changing:
            return self._held.total()

    def take(self, caller: str) -> bool:
        """Take a place if this caller may have one. Return whether it got one, without a wait."""
        with self._changing:
            free = self._number - self._held.total()
            if free <= 0 or self._held[caller] >= fair_places(self._number, free):
                return False
            self._held[caller] += 1
            return True

    def give_back(self, caller: str) -> None:
        """Free a place of this caller."""
        with self._changing:
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]

    @contextmanager
    def one(self, caller: str) -> Iterator[bool]:
        """Yield whether the caller got a place, which it keeps inside the `with` block."""
        taken = self.take(caller)
        try:
            yield taken
        finally:
            if taken:
                self.give_back(caller)


@dataclass(frozen=True, slots=True)
class DrawnJob:
    """The pictures of a job. The job may have been removed.

    Attributes:
        token: The name of the job's files.
        result: The pictures of the job.
    """

    token: str
    result: GenerationResult


class WaitingCallers:
    """Submits requests and waits for the pictures, while the client waits and is connected."""

    def __init__(
        self, job_service: JobService, *, places: Places, wait: Wait = wait_for_pictures
    ) -> None:
        self._job_service = job_service
        self._places = places
        self._wait = wait

    @property
    def waiting(self) -> int:
        """The number of waiting callers."""
        return self._places.taken

    def __call__(
        self, wanted: AnyNamed, *, caller: str, preference: Preference
    ) -> AnyResult | JobView:
        """Return the pictures, or the job that will have them if the caller does not wait.

        The caller gets its place before the job exists, so a caller without a place leaves no job.

        Raises:
            TooManyCallers: All places are taken, and the caller accepts only the pictures.
        """
        if preference.seconds is None:
            return self._pictures(wanted, caller, preference.within)[1]
        with self._places.one(caller) if preference.seconds else nullcontext(False) as taken:
            submission = self._submit(wanted, caller, preference.within)
            try:
                seconds = preference.seconds if taken else 0
                return self._wait(submission, seconds)
            except TimeoutError:
                return submission.view

    def pictures(
        self, wanted: NamedRequest | GenerationRequest, *, caller: str
    ) -> GenerationResult:
        """Return the pictures after any time. This is for clients of APIs without jobs.

        Raise TooManyCallers if all places are taken.
        """
        return self.job(wanted, caller=caller).result

    def job(self, wanted: NamedRequest | GenerationRequest, *, caller: str) -> DrawnJob:
        """Return the pictures as `pictures` does, with the token of their job."""
        if isinstance(wanted, GenerationRequest):
            wanted = NamedRequest(wanted, "")
        token, result = self._pictures(wanted, caller, None)
        return DrawnJob(token, as_drawn(result))

    def several(self, wanted: Sequence[AnyNamed], *, caller: str) -> list[AnyResult]:
        """Return the pictures of several requests in their order, after any time.

        They hold one place together. If the queue has no room for all of them, the rest is
        submitted when earlier ones are finished. If one fails, the rest is cancelled.

        Raises:
            TooManyCallers: All places are taken.
            DomainError: One of the requests is refused, or its pictures cannot be drawn.
        """
        waiting: deque[Submission] = deque()
        results: list[AnyResult] = []
        with self._places.one(caller) as taken:
            if not taken:
                raise TooManyCallers
            try:
                for each in wanted:
                    while (submission := self._submitted(each, caller, waiting)) is None:
                        results.append(self._wait(waiting[0], None))
                        waiting.popleft()
                    waiting.append(submission)
                while waiting:
                    results.append(self._wait(waiting[0], None))
                    waiting.popleft()
            except DomainError:
                self._cancel(waiting, caller)
                raise
        return results

    def _submitted(
        self, wanted: AnyNamed, caller: str, waiting: Collection[Submission]
    ) -> Submission | None:
        """Submit a request. Return None if the queue is full and jobs of this call wait in it."""
        try:
            return self._submit(wanted, caller, None)
        except QueueFull:
            if not waiting:
                raise
            return None

    def _cancel(self, waiting: Collection[Submission], caller: str) -> None:
        for submission in waiting:
            with suppress(DomainError):
                self._job_service.cancel(caller, submission.view.job.request.id)

    def _pictures(
        self, wanted: AnyNamed, caller: str, within: float | None
    ) -> tuple[str, AnyResult]:
        """Return the token of the job, and its pictures."""
        with self._places.one(caller) as taken:
            if taken:
                submission = self._submit(wanted, caller, within)
                return submission.view.job.token, self._wait(submission, None)
        if self._drawn(wanted.request, caller):
            # If the pictures are lost, the job is drawn again and has no result yet.
            with suppress(TimeoutError):
                submission = self._submit(wanted, caller, within)
                return submission.view.job.token, submission.wait(0)
        raise TooManyCallers

    def _submit(self, wanted: AnyNamed, caller: str, within: float | None) -> Submission:
        return self._job_service.submit(
            wanted.request,
            caller=caller,
            within=within,
            model_name=wanted.model_name,
            other_names=wanted.other_names,
        )

    def _drawn(self, request: AnyRequest, caller: str) -> bool:
        """Return whether the job has succeeded, so that there is no wait."""
        try:
            view = self._job_service.find(caller, request.id)
        except JobNotFound:
            return False
        return view.job.status is JobStatus.SUCCEEDED
