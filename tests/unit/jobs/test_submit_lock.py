"""One call at a time is admitted; nobody waits long for a store that does not answer."""

import threading
import time
from collections.abc import Callable

import pytest

from application.jobs.acceptance import SubmitLock
from domain.errors import QueueFull, StorageUnavailable


def nothing() -> None:
    pass


def in_threads(calls: list[Callable[[], None]]) -> list[Exception]:
    """What they raised, when all of them have ended."""
    raised: list[Exception] = []

    def run(call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


def test_a_store_that_answers_nobody_holds_those_who_wait_for_a_moment_only() -> None:
    admission = SubmitLock(nothing, patience=0.05)
    with admission.held():
        began = time.monotonic()
        raised = in_threads([lambda: admission.held().__enter__()] * 8)
        assert time.monotonic() - began < 5
    assert [type(error) for error in raised] == [StorageUnavailable] * 8
    with admission.held():
        pass


@pytest.mark.parametrize("refusal", [None, QueueFull(waiting=1, retry_after=1)])
def test_who_waits_for_many_others_is_admitted_as_long_as_they_are_answered(
    refusal: Exception | None,
) -> None:
    admission = SubmitLock(nothing, patience=0.5)
    inside: list[int] = []

    def slow() -> None:
        with admission.held():
            inside.append(1)
            assert inside == [1]
            threading.Event().wait(0.1)
            inside.clear()
            if refusal is not None:
                raise refusal

    raised = in_threads([slow] * 12)
    assert raised == ([] if refusal is None else [refusal] * 12)


def test_calls_that_the_store_fails_do_not_keep_others_waiting() -> None:
    admission = SubmitLock(nothing, patience=0.3)

    def fail() -> None:
        with admission.held():
            threading.Event().wait(0.2)
            raise StorageUnavailable("locked")

    began = time.monotonic()
    raised = in_threads([fail] * 40)
    assert len(raised) == 40
    assert time.monotonic() - began < 4  # one after the other would be eight


def test_what_the_claim_raises_is_raised_and_the_next_may_try() -> None:
    errors: list[Exception] = [StorageUnavailable("in use")]

    def claim() -> None:
        if errors:
            raise errors.pop()

    admission = SubmitLock(claim)
    with pytest.raises(StorageUnavailable, match="in use"), admission.held():
        raise AssertionError("it was admitted")
    with admission.held():
        pass
