"""One call at a time is admitted; no caller waits long for a store that does not answer."""

import threading
import time
from collections.abc import Callable

import pytest

from application.jobs.submit_lock import Admission
from domain.errors import QueueFull, StorageUnavailable


def nothing() -> None:
    pass


def in_threads(calls: list[Callable[[], None]]) -> list[Exception]:
    """Return the exceptions of the calls, when all of them have ended."""
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


def test_a_store_that_never_answers_delays_waiting_calls_only_briefly() -> None:
    admission = Admission(nothing, patience=0.05)
    with admission.one_at_a_time():
        began = time.monotonic()
        raised = in_threads([lambda: admission.one_at_a_time().__enter__()] * 8)
        assert time.monotonic() - began < 5
    assert [type(error) for error in raised] == [StorageUnavailable] * 8
    with admission.one_at_a_time():
        pass


@pytest.mark.parametrize("refusal", [None, QueueFull(waiting=1, retry_after=1)])
def test_a_call_behind_many_others_is_admitted_as_long_as_they_are_answered(
    refusal: Exception | None,
) -> None:
    admission = Admission(nothing, patience=0.5)
    inside: list[int] = []

    def slow() -> None:
        with admission.one_at_a_time():
            inside.append(1)
            assert inside == [1]
            threading.Event().wait(0.1)
            inside.clear()
            if refusal is not None:
                raise refusal

    raised = in_threads([slow] * 12)
    assert raised == ([] if refusal is None else [refusal] * 12)


def test_calls_that_fail_in_the_store_do_not_delay_others() -> None:
    admission = Admission(nothing, patience=0.3)

    def fail() -> None:
        with admission.one_at_a_time():
            threading.Event().wait(0.2)
            raise StorageUnavailable("locked")

    began = time.monotonic()
    raised = in_threads([fail] * 40)
    assert len(raised) == 40
    assert time.monotonic() - began < 4  # one after the other would be eight


def test_an_error_of_the_claim_is_raised_and_the_next_call_may_try() -> None:
    errors: list[Exception] = [StorageUnavailable("in use")]

    def claim() -> None:
        if errors:
            raise errors.pop()

    admission = Admission(claim)
    with pytest.raises(StorageUnavailable, match="in use"), admission.one_at_a_time():
        raise AssertionError("it was admitted")
    with admission.one_at_a_time():
        pass
