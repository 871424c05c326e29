"""The index of pictures in a database that freezes, or that an earlier release has written."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_pictures import BoundedPictureIndex
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from adapters.storage.sql.picture_index import SqlPictureIndex
from adapters.storage.sql.tables import job_pictures
from application.ports.picture_index import DrawnPlace, PictureIndex
from domain.errors import StorageUnavailable
from tests.contract.storage.kept_jobs import new_job, succeeded
from tests.contract.storage.kept_pictures import Stores, draw, ref_of

RED, BLUE = ref_of("red"), ref_of("blue")
CALLS: list[Callable[[PictureIndex], object]] = [
    lambda index: index.add("me", BLUE, at=2.0, is_sent=True),
    lambda index: index.take_back("me", RED.id),
    lambda index: index.find("me", RED.id),
    lambda index: index.find("me", RED.id, used_at=9.0),
    lambda index: index.is_known(RED.id),
    lambda index: index.ids(),
    lambda index: index.forget(succeeded(new_job())),
    lambda index: index.retire(used_before=9.0, sparing=9.0, keep_bytes=0),
    lambda index: index.catch_up(),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_frozen_database_is_reported_and_changes_nothing_later(
    call: Callable[[PictureIndex], object], tmp_path: Path
) -> None:
    thawed, calls = threading.Event(), BoundedCalls(name="frozen")

    def commit() -> None:
        thawed.wait(30)
        calls.commit()

    database = SqlDatabase(f"sqlite:///{tmp_path}/jobs.sqlite", before_commit=commit)
    thawed.set()
    inner = SqlPictureIndex(database)
    inner.add("me", RED, at=1.0, is_sent=True)
    thawed.clear()
    index = BoundedPictureIndex(inner, calls, seconds=0.3, long_seconds=0.3)
    with pytest.raises(StorageUnavailable, match="does not answer"):
        call(index)
    thawed.set()
    for each in threading.enumerate():
        if each.name == "frozen":
            each.join(30)
    assert inner.retire(used_before=1.0, sparing=0, keep_bytes=10**9) == set()
    assert (set(inner.ids()), inner.is_known(BLUE.id)) == ({RED.id}, False)
    assert inner.retire(used_before=1.5, sparing=0, keep_bytes=10**9) == {RED.id}
    database.close()


def test_pictures_of_an_earlier_release_are_found_after_a_start(tmp_path: Path) -> None:
    database = SqlDatabase(f"sqlite:///{tmp_path}/jobs.sqlite")
    stores = Stores(SqlJobStore(database), SqlPictureIndex(database))
    names = [f"job {number}" for number in range(3)]
    jobs = [
        draw(stores, name.encode(), name=name, token=f"{number:032x}")
        for number, name in enumerate(names)
    ]
    early = stores.jobs.accept(new_job("early", token="ee" * 16))
    stores.jobs.update(succeeded(early))
    with database.transaction() as connection:  # as a release without this table
        connection.execute(delete(job_pictures))
        connection.execute(insert(job_pictures).values(job=999, number=0, id=RED.id))
    ids = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    assert [stores.index.find("me", each) for each in ids] == [None] * 3
    after: int | None = 0
    while after is not None:
        after = stores.index.catch_up(after)
    found = [stores.index.find("me", each) for each in ids]
    assert [each and each.drawn for each in found] == [DrawnPlace(job.token, 0) for job in jobs]
    with database.transaction() as connection:
        assert connection.execute(select(job_pictures).where(job_pictures.c.job == 999)).all() == []
    database.close()


def test_jobs_of_an_earlier_release_are_caught_up_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.storage.sql.job_pictures.AT_ONCE", 2)
    test_pictures_of_an_earlier_release_are_found_after_a_start(tmp_path)
