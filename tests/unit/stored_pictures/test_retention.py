"""How long pictures stay, and what a crash leaves."""

import hashlib

import pytest

from domain.errors import PictureNotFound, StorageUnavailable
from domain.pictures import MOST_PIXELS_SENT
from tests.contract.test_pictures import RED, picture
from tests.unit.stored_pictures.bench import RETENTION_SECONDS, Bench

BLUE = picture("blue")
RED_ID, BLUE_ID = (hashlib.sha256(data).hexdigest() for data in (RED, BLUE))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def has(bench: Bench, picture_id: str, caller: str = "me") -> bool:
    try:
        bench.pictures.file(caller, picture_id)
    except PictureNotFound:
        return False
    return True


def test_a_picture_is_removed_after_its_last_use(bench: Bench) -> None:
    bench.pictures.keep("me", RED)
    bench.pictures.keep("me", BLUE)
    bench.clock.now += RETENTION_SECONDS - 1
    bench.records.tidy()
    bench.pictures.find("me", RED_ID)
    bench.clock.now += 2
    bench.records.tidy()
    assert (has(bench, RED_ID), has(bench, BLUE_ID)) == (True, False)
    assert set(bench.files.files) == {RED_ID}
    bench.clock.now += RETENTION_SECONDS
    bench.records.tidy()
    assert bench.files.files == {}


def test_sending_a_picture_again_is_a_use(bench: Bench) -> None:
    bench.pictures.keep("me", RED)
    bench.clock.now += RETENTION_SECONDS - 1
    bench.pictures.keep("me", RED)
    bench.clock.now += RETENTION_SECONDS - 1
    bench.records.tidy()
    assert has(bench, RED_ID)


def test_a_picture_outlives_every_job_that_names_it(bench: Bench) -> None:
    ref = bench.pictures.keep("me", RED).ref
    job = bench.accept("waits", naming=ref)
    bench.clock.now += 5 * RETENTION_SECONDS
    bench.records.tidy()
    assert bench.pictures.read(RED_ID) == RED
    bench.draw(job, BLUE)
    bench.clock.now += RETENTION_SECONDS
    bench.records.tidy()
    assert has(bench, RED_ID)
    bench.clock.now += 1
    bench.records.tidy()
    assert (has(bench, RED_ID), has(bench, BLUE_ID)) == (False, False)
    assert bench.files.files == {}


def test_the_file_stays_while_another_caller_has_the_picture(bench: Bench) -> None:
    bench.pictures.keep("me", RED)
    bench.clock.now += RETENTION_SECONDS / 2
    bench.pictures.keep("you", RED)
    bench.clock.now += RETENTION_SECONDS / 2 + 1
    bench.records.tidy()
    assert (has(bench, RED_ID), has(bench, RED_ID, "you")) == (False, True)


def test_a_drawn_picture_that_a_request_names_outlives_its_job(bench: Bench) -> None:
    drawn = bench.draw(bench.accept("first"), RED)
    assert bench.files.files == {}
    ref = bench.pictures.find("me", RED_ID)
    assert (ref.id, ref.size, ref.width) == (RED_ID, len(RED), 8)
    bench.accept("second", naming=ref)
    bench.records.forget(drawn)
    assert bench.results.files == {}
    assert bench.pictures.read(RED_ID) == RED
    assert has(bench, RED_ID)


def test_a_forgotten_job_takes_a_picture_with_it_that_was_named_and_refused(bench: Bench) -> None:
    drawn = bench.draw(bench.accept("first"), RED)
    bench.pictures.find("me", RED_ID)  # the request was not accepted
    bench.records.forget(drawn)
    assert not has(bench, RED_ID)
    assert bench.files.files == {}


def test_a_forgotten_job_leaves_the_pictures_that_it_names(bench: Bench) -> None:
    ref = bench.pictures.keep("me", RED).ref
    drawn = bench.draw(bench.accept("first", naming=ref), BLUE)
    bench.records.forget(drawn)
    assert (has(bench, RED_ID), has(bench, BLUE_ID)) == (True, False)


def test_pictures_without_room_go_oldest_first_and_never_one_that_a_waiting_job_names() -> None:
    files = [picture(colour, (400, 400)) for colour in ("red", "green", "blue", "white")]
    room = 3 * len(files[0]) + 1000
    bench = Bench(retention_bytes=room)
    refs = []
    for data in files:
        refs.append(bench.pictures.keep("me", data).ref)
        bench.clock.now += 10
    bench.accept("waits", naming=refs[0])
    bench.records.tidy()
    assert len(bench.files.files) == 4, "they were used a moment ago"
    bench.clock.now += 60
    bench.records.tidy()
    left = [ref.id in bench.files.files for ref in refs]
    assert left == [True, False, True, True]


def test_what_a_crash_between_file_and_row_leaves_is_removed(bench: Bench) -> None:
    bench.pictures.keep("me", RED)
    bench.files.files[BLUE_ID] = BLUE
    bench.records.sweep()
    assert set(bench.files.files) == {RED_ID}
    del bench.files.files[RED_ID]
    assert not has(bench, RED_ID)
    with pytest.raises(PictureNotFound):
        bench.pictures.find("me", RED_ID)
    bench.clock.now += RETENTION_SECONDS + 1
    bench.records.tidy()
    assert bench.index.rows == {}


def test_a_picture_whose_file_is_gone_or_damaged_is_repaired_when_it_is_sent_again(
    bench: Bench,
) -> None:
    for damage in (None, RED[:-1] + b"?"):
        bench.pictures.keep("me", RED)
        bench.files.files.pop(RED_ID)
        if damage:
            bench.files.files[RED_ID] = damage
        with pytest.raises(PictureNotFound):
            bench.pictures.read(RED_ID)
        assert not has(bench, RED_ID)
        assert not bench.pictures.keep("me", RED).is_new
        assert bench.pictures.read(RED_ID) == RED


def test_no_file_is_removed_if_the_database_is_empty(bench: Bench) -> None:
    bench.files.files[RED_ID] = RED  # the database may be another one
    bench.records.sweep()
    assert set(bench.files.files) == {RED_ID}
    bench.accept("first")
    bench.records.sweep()
    assert bench.files.files == {}


def test_a_picture_that_could_not_be_written_leaves_nothing(bench: Bench) -> None:
    bench.files.full = True
    with pytest.raises(StorageUnavailable):
        bench.pictures.keep("me", RED)
    assert bench.index.rows == {}


def test_a_row_that_could_not_be_taken_back_is_taken_back_later(bench: Bench) -> None:
    write = bench.files.write

    def fail(picture_id: str, data: bytes) -> None:
        bench.index.broken = True
        raise StorageUnavailable("the disk is full")

    bench.files.write = fail  # type: ignore[method-assign]
    with pytest.raises(StorageUnavailable):
        bench.pictures.keep("me", RED)
    bench.index.broken = False
    assert len(bench.index.rows) == 1
    bench.records.tidy()
    assert bench.index.rows == {}
    bench.files.write = fail  # type: ignore[method-assign]
    with pytest.raises(StorageUnavailable):
        bench.pictures.keep("me", RED)
    bench.index.broken, bench.files.write = False, write  # type: ignore[method-assign]
    bench.pictures.keep("me", RED)
    bench.records.tidy()
    assert has(bench, RED_ID), "it was sent again in the meantime"


def test_new_pictures_cannot_fill_the_disk_before_old_ones_are_removed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.pictures.shelf._FLOOD_BYTES", len(RED) + len(BLUE))
    bench = Bench(retention_bytes=0)
    bench.pictures.keep("me", RED)
    bench.pictures.keep("me", BLUE)
    bench.pictures.keep("me", RED)  # nothing new is written
    with pytest.raises(StorageUnavailable, match="within a minute"):
        bench.pictures.keep("me", picture("green"))
    assert len(bench.index.rows) == 2
    bench.records.tidy()
    bench.pictures.keep("me", picture("green"))


def test_a_file_that_cannot_be_removed_with_its_job_is_removed_later(bench: Bench) -> None:
    drawn = bench.draw(bench.accept("first"), RED)
    bench.pictures.find("me", RED_ID)

    def fail(picture_id: str) -> bool:
        raise StorageUnavailable("the database does not answer")

    bench.index.is_known, is_known = fail, bench.index.is_known  # type: ignore[method-assign]
    bench.records.forget(drawn)
    assert not has(bench, RED_ID)
    assert set(bench.files.files) == {RED_ID}
    bench.index.is_known = is_known  # type: ignore[method-assign]
    bench.records.tidy()
    assert bench.files.files == {}


def test_a_job_is_forgotten_while_another_thread_writes_its_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.pictures.shelf._SOON_SECONDS", 0.0)
    drawn = bench.draw(bench.accept("first"), RED)
    bench.pictures.find("me", RED_ID)
    with bench.shelf._locks.held(RED_ID):
        bench.records.forget(drawn)
    assert set(bench.files.files) == {RED_ID}
    bench.records.tidy()
    assert bench.files.files == {}


def test_a_drawn_picture_that_no_request_takes_gets_no_file_of_its_own(bench: Bench) -> None:
    bench.draw(bench.accept("large"), RED, width=MOST_PIXELS_SENT + 1, height=1)
    assert bench.pictures.find("me", RED_ID).pixels > MOST_PIXELS_SENT
    assert bench.files.files == {}
    assert bench.pictures.file("me", RED_ID)[1] == RED
