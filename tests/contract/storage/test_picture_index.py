"""What every index of pictures does: in memory, in SQLite, and on a database server."""

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.picture_index import DrawnPlace, KnownPicture
from domain.pictures import PictureRef
from tests.contract.storage.kept_jobs import new_job, succeeded
from tests.contract.storage.kept_pictures import (
    KINDS,
    Stores,
    draw,
    naming,
    opened_stores,
    ref_of,
)

RED, BLUE = ref_of("red"), ref_of("blue")


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    yield from opened_stores(request.param, tmp_path)


def add(stores: Stores, ref: PictureRef, at: float = 1.0, caller: str = "me") -> bool:
    return stores.index.add(caller, ref, at=at, is_sent=True)


def expire(stores: Stores, used_before: float) -> set[str]:
    """Let pictures go that were last used before a time, and none for the room."""
    return set(stores.index.retire(used_before=used_before, sparing=1e9, keep_bytes=10**9))


def test_a_picture_is_known_to_its_caller_alone(stores: Stores) -> None:
    assert add(stores, RED)
    assert stores.index.find("me", RED.id) == KnownPicture(RED, is_kept=True)
    assert stores.index.find("you", RED.id) is None
    assert stores.index.find("me", BLUE.id) is None
    assert (stores.index.is_known(RED.id), stores.index.is_known(BLUE.id)) == (True, False)
    assert not add(stores, RED)
    assert add(stores, RED, caller="you")
    assert set(stores.index.ids()) == {RED.id}


def test_a_picture_can_be_taken_back_unless_a_job_names_it(stores: Stores) -> None:
    add(stores, RED)
    add(stores, BLUE)
    stores.jobs.accept(naming(BLUE))
    for ref in (RED, BLUE):
        stores.index.take_back("me", ref.id)
    assert stores.index.find("me", RED.id) is None
    assert stores.index.find("me", BLUE.id) is not None


def test_a_drawn_picture_is_found_among_the_files_of_its_job(stores: Stores) -> None:
    job = draw(stores, b"one", b"two", b"one")
    digest = hashlib.sha256(b"two").hexdigest()
    found = stores.index.find("me", digest)
    assert found is not None
    assert (found.is_kept, found.drawn) == (False, DrawnPlace(job.token, 1))
    assert (found.ref.id, found.ref.size, found.ref.width) == (digest, 3, 512)
    assert found.ref.media_type == "image/png"
    assert stores.index.find("you", digest) is None
    assert not stores.index.is_known(digest)
    assert not stores.index.add("me", found.ref, at=1.0, is_sent=False), "the caller had it"
    assert stores.index.find("me", digest) == dataclasses.replace(found, is_kept=True)
    stores.jobs.remove(job)
    assert stores.index.find("me", digest) == KnownPicture(found.ref, is_kept=True)


def test_old_pictures_go_by_their_last_use(stores: Stores) -> None:
    add(stores, RED, at=10.0)
    add(stores, BLUE, at=10.0)
    stores.index.find("me", BLUE.id, used_at=20.0)
    stores.index.find("me", BLUE.id, used_at=15.0)  # a clock that was set back
    assert expire(stores, 10.0) == set()
    assert expire(stores, 20.0) == {RED.id}
    assert set(stores.index.ids()) == {BLUE.id}
    assert expire(stores, 20.5) == {BLUE.id}


def ends() -> list[str]:
    return ["queued", "running", "succeeded", "cancelled"]


@pytest.mark.parametrize("end", ends())
def test_a_picture_stays_as_long_as_a_job_that_names_it(stores: Stores, end: str) -> None:
    add(stores, RED)
    add(stores, RED, caller="you")
    job = stores.jobs.accept(naming(RED))
    if end != "queued":
        changed = {
            "running": lambda: job.started(2.0),
            "succeeded": lambda: succeeded(job),
            "cancelled": lambda: job.cancelled(3.0),
        }[end]()
        stores.jobs.update(changed)
    assert expire(stores, 99.0) == {RED.id}
    assert stores.index.find("you", RED.id) is None, "the job is not this caller's"
    assert stores.index.find("me", RED.id) is not None
    assert stores.index.is_known(RED.id)
    if end in ("succeeded", "cancelled"):
        assert stores.jobs.retire(finished_before=99.0, keep_bytes=10**9)
        assert expire(stores, 99.0) == {RED.id}
        assert not stores.index.is_known(RED.id)


def test_a_job_that_makes_room_for_another_names_nothing_any_more(stores: Stores) -> None:
    add(stores, RED)
    old = stores.jobs.accept(naming(RED))
    stores.jobs.update(old.cancelled(2.0))
    stores.jobs.accept(new_job(token="ef" * 16))
    assert expire(stores, 99.0) == {RED.id}


def test_a_forgotten_job_takes_its_drawn_pictures_with_it(stores: Stores) -> None:
    files = [b"named", b"sent", b"neither", b"no file of its own"]
    job = draw(stores, *files)
    refs = [stores.index.find("me", hashlib.sha256(data).hexdigest()).ref for data in files]  # type: ignore[union-attr]
    for ref in refs[:3]:
        stores.index.add("me", ref, at=1.0, is_sent=False)
    stores.index.add("me", refs[1], at=2.0, is_sent=True)
    stores.index.add("you", refs[2], at=2.0, is_sent=False)
    stores.jobs.accept(naming(refs[0], "another"))
    assert set(stores.index.forget(job)) == {refs[2].id}
    stores.jobs.remove(job)
    found = [stores.index.find("me", ref.id) is not None for ref in refs]
    assert found == [True, True, False, False]
    assert stores.index.is_known(refs[2].id), "another caller has it"


def test_pictures_and_jobs_share_the_room_and_the_oldest_go_first(stores: Stores) -> None:
    size = 100_000
    refs = [ref_of(f"{number}", size) for number in range(3)]
    for number, ref in enumerate(refs):
        add(stores, ref, at=10.0 + 2 * number)
    job = stores.jobs.accept(new_job())
    stores.jobs.update(succeeded(job, at=11.0, size=size))
    gone = []
    for keep_bytes in (450_000, 350_000, 250_000, 150_000, 50_000):
        retired = stores.jobs.retire(finished_before=0, keep_bytes=keep_bytes)
        left = stores.index.retire(used_before=0, sparing=1e9, keep_bytes=keep_bytes)
        gone.append({*retired, *left})
    assert gone == [set(), {refs[0].id}, {job.token}, {refs[1].id}, {refs[2].id}]


def test_a_picture_does_not_go_before_a_job_that_names_it(stores: Stores) -> None:
    old, newer = ref_of("old", 100_000), ref_of("newer", 100_000)
    add(stores, old, at=1.0)
    job = stores.jobs.accept(naming(old))
    stores.jobs.update(succeeded(job, at=20.0))
    add(stores, newer, at=10.0)
    assert stores.jobs.retire(finished_before=0, keep_bytes=150_000) == set()
    gone = stores.index.retire(used_before=0, sparing=1e9, keep_bytes=150_000)
    assert set(gone) == {newer.id}
    retired = stores.jobs.retire(finished_before=0, keep_bytes=50_000)
    assert set(retired) == {job.token}
    assert set(stores.index.retire(used_before=0, sparing=1e9, keep_bytes=50_000)) == {old.id}


def test_a_picture_that_a_waiting_job_names_never_goes(stores: Stores) -> None:
    ref = ref_of("large", 10**6)
    add(stores, ref, at=1.0)
    stores.jobs.accept(naming(ref))
    assert stores.index.retire(used_before=99, sparing=1e9, keep_bytes=0) == set()
    assert stores.index.find("me", ref.id) is not None


def test_a_picture_that_was_just_used_is_spared(stores: Stores) -> None:
    ref = ref_of("large", 10**6)
    add(stores, ref, at=50.0)
    assert stores.index.retire(used_before=0, sparing=49.0, keep_bytes=0) == set()
    assert set(stores.index.retire(used_before=0, sparing=50.0, keep_bytes=0)) == {ref.id}


def test_a_caller_that_sends_much_evicts_only_its_own(stores: Stores) -> None:
    mine = ref_of("mine", 1000)
    add(stores, mine, at=1.0)
    job = stores.jobs.accept(new_job())
    stores.jobs.update(succeeded(job, at=1.0))
    theirs = [ref_of(f"{number}", 100_000) for number in range(5)]
    for number, ref in enumerate(theirs):
        add(stores, ref, at=10.0 + number, caller="you")
    assert stores.jobs.retire(finished_before=0, keep_bytes=250_000) == set()
    gone = stores.index.retire(used_before=0, sparing=1e9, keep_bytes=250_000)
    assert set(gone) == {ref.id for ref in theirs[:3]}


def test_threads_may_add_one_picture_at_once(stores: Stores) -> None:
    add(stores, BLUE)  # so that the tables are there
    for attempt in range(10):
        ref, start = ref_of(f"attempt {attempt}"), threading.Barrier(3)
        new: list[bool] = []

        def run(ref: PictureRef = ref, start: threading.Barrier = start) -> None:
            start.wait(10)
            new.append(add(stores, ref))  # noqa: B023

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(new) == [False, False, True]
