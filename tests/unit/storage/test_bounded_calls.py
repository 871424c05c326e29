"""Calls that are abandoned because the callee has frozen."""

import threading

import pytest

from adapters.storage.bounded_calls import BoundedCalls

_SOON = 0.01
_LONG = 30.0


class Frozen:
    """A callee that answers once it is thawed, and records its changes."""

    def __init__(self, calls: BoundedCalls) -> None:
        self.calls = calls
        self.entered = threading.Semaphore(0)
        self.thawed = threading.Event()
        self.changes = 0

    def change(self) -> str:
        self.entered.release()
        self.thawed.wait(_LONG)
        self.calls.commit()
        self.changes += 1
        return "changed"


def wait_until_calls_have_ended() -> None:
    """Return when no call runs any more."""
    for thread in threading.enumerate():
        if thread.name == "database":
            thread.join(_LONG)


@pytest.fixture
def calls() -> BoundedCalls:
    """Calls with one slot, so each starts when the one before it has ended."""
    return BoundedCalls(most=1)


def test_the_result_or_error_of_the_function_is_passed_on(calls: BoundedCalls) -> None:
    assert calls(lambda: 7, _LONG) == 7
    with pytest.raises(ZeroDivisionError):
        calls(lambda: 1 // 0, _LONG)

    def times_out() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        calls(times_out, _LONG)


def test_an_abandoned_call_changes_nothing_later(calls: BoundedCalls) -> None:
    frozen = Frozen(calls)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.3 s"):
        calls(frozen.change, 0.3)
    frozen.thawed.set()
    wait_until_calls_have_ended()
    assert calls(lambda: frozen.changes, _LONG) == 0
    assert calls(frozen.change, _LONG) == "changed"
    assert frozen.changes == 1


def test_calls_beyond_the_last_slot_are_abandoned_and_never_start(calls: BoundedCalls) -> None:
    frozen, never = Frozen(calls), Frozen(calls)
    answers: list[str] = []
    first = threading.Thread(target=lambda: answers.append(calls(frozen.change, _LONG)))
    first.start()
    assert frozen.entered.acquire(timeout=_LONG)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer within"):
            calls(never.change, _SOON)
    frozen.thawed.set()
    first.join(_LONG)
    assert answers == ["changed"]
    assert calls(lambda: never.entered.acquire(blocking=False), _LONG) is False


def test_if_every_call_has_frozen_the_next_one_fails_at_once(calls: BoundedCalls) -> None:
    frozen = Frozen(calls)
    with pytest.raises(TimeoutError, match="no answer within"):
        calls(frozen.change, _SOON)
    with pytest.raises(TimeoutError, match="1 earlier calls have no answer yet"):
        calls(lambda: 7, _LONG)
    frozen.thawed.set()
    wait_until_calls_have_ended()
    assert calls(lambda: 7, _LONG) == 7
    assert frozen.changes == 0


def test_a_function_outside_a_call_may_commit(calls: BoundedCalls) -> None:
    calls.commit()


def test_a_thread_that_cannot_start_takes_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls = BoundedCalls(most=1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError):
            calls(lambda: 1, 5)
    assert calls(lambda: 1, 5) == 1
