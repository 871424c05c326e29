"""Pictures that are sent and removed by several threads at once."""

import hashlib
import threading
from collections.abc import Callable

import pytest

from application.pictures.keyed_locks import KeyedLocks
from domain.errors import StorageUnavailable
from tests.contract.test_pictures import RED, picture
from tests.unit.stored_pictures.bench import RETENTION_SECONDS, Bench

RED_ID = hashlib.sha256(RED).hexdigest()
_LONG = 30.0


def run_together(*functions: Callable[[], object]) -> None:
    """Run functions in threads that start at once. Raise the first error."""
    start, errors = threading.Barrier(len(functions)), []

    def run(function: Callable[[], object]) -> None:
        start.wait(_LONG)
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONG)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_one_picture_that_many_send_at_once_is_written_once() -> None:
    bench = Bench()
    callers = ["me", "you", "she", "he"] * 3
    news: list[bool] = []
    run_together(
        *(
            lambda caller=caller: news.append(bench.pictures.keep(caller, RED).is_new)
            for caller in callers
        )
    )
    assert bench.files.writes == [RED_ID]
    assert sorted(news) == [False] * 8 + [True] * 4


@pytest.mark.parametrize("attempt", range(20))
def test_a_picture_that_is_sent_while_it_is_removed_is_there_afterwards(attempt: int) -> None:
    bench = Bench()
    bench.pictures.keep("me", RED)
    bench.clock.now += RETENTION_SECONDS + 1
    caller = "me" if attempt % 2 else "you"
    run_together(bench.records.tidy, lambda: bench.pictures.keep(caller, RED))
    assert bench.pictures.file(caller, RED_ID)[1] == RED
    assert bench.pictures.read(RED_ID) == RED


def test_a_file_is_not_removed_between_the_row_and_the_look_at_the_file() -> None:
    bench = Bench()
    bench.pictures.keep("me", RED)
    bench.clock.now += RETENTION_SECONDS + 1
    forgotten = threading.Event()
    is_known = bench.index.is_known

    def is_known_later(picture_id: str) -> bool:
        forgotten.set()
        assert bench.shelf._locks._locks[RED_ID].locked()
        return is_known(picture_id)

    bench.index.is_known = is_known_later  # type: ignore[method-assign]

    def send() -> None:
        assert forgotten.wait(_LONG)
        bench.pictures.keep("me", RED)

    run_together(bench.records.tidy, send)
    assert bench.pictures.read(RED_ID) == RED


def test_a_picture_does_not_wait_for_another_that_is_being_written() -> None:
    bench = Bench()
    writing, go_on = threading.Event(), threading.Event()
    write = bench.files.write

    def write_slowly(picture_id: str, data: bytes) -> None:
        if picture_id == RED_ID:
            writing.set()
            assert go_on.wait(_LONG)
        write(picture_id, data)

    bench.files.write = write_slowly  # type: ignore[method-assign]

    def send_another() -> None:
        assert writing.wait(_LONG)
        bench.pictures.keep("me", picture("blue"))
        go_on.set()

    run_together(lambda: bench.pictures.keep("me", RED), send_another)
    assert len(bench.files.files) == 2


def test_a_picture_is_read_without_any_lock() -> None:
    bench = Bench()
    inspect = bench.pictures._codec.inspect
    inside, go_on = threading.Event(), threading.Event()

    def inspect_slowly(data: bytes) -> object:
        inside.set()
        assert go_on.wait(_LONG)
        return inspect(data)

    def others() -> None:
        assert inside.wait(_LONG)
        try:
            bench.shelf.put("you", inspect(RED), RED, at=1.0, is_sent=True)
            bench.records.tidy()
        finally:
            go_on.set()

    bench.pictures._codec.inspect = inspect_slowly  # type: ignore[method-assign, assignment]
    run_together(lambda: bench.pictures.keep("me", RED), others)
    assert bench.pictures.file("me", RED_ID)[1] == RED


def test_a_thread_that_waits_too_long_for_a_picture_gives_up() -> None:
    locks = KeyedLocks(seconds=0.05)
    with locks.held("a"):
        with locks.held("b"):
            pass
        with pytest.raises(StorageUnavailable), locks.held("a"):
            pytest.fail("another holder has it")
    with locks.held("a"):
        pass
    assert locks._locks == {}
