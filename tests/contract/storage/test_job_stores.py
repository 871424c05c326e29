"""What every job store does: in memory, on disk, and on a database server.

The database server is tested if `TEST_DATABASE_URL` names an empty database whose driver is
installed, such as `postgresql+psycopg://user@127.0.0.1/test`.
"""

import dataclasses
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_job_store import BoundedJobStore
from adapters.storage.files.result_files import ResultFiles
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from adapters.storage.sql.tables import metadata, revisions
from application.fairness import KEPT_WITHOUT_PICTURES
from application.job import Job, JobFailure, JobKey, JobStatus
from application.ports.job_store import JobStore
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage
from tests.contract.storage.kept_jobs import TOKEN, new_job, succeeded
from tests.fakes.stores import FakeJobStore
from tests.paths import ROOT
from tests.unit.generation.test_plain import FULL


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/jobs.sqlite"


def _bounded(url: str) -> JobStore:
    calls = BoundedCalls()
    store = SqlJobStore(SqlDatabase(url, patience=0.1, before_commit=calls.commit))
    return BoundedJobStore(store, calls, seconds=60, long_seconds=60)


_STORES: Mapping[str, Callable[[str], JobStore]] = {
    "fake": lambda _url: FakeJobStore(),
    "sql": lambda url: SqlJobStore(SqlDatabase(url, patience=0.1)),
    "bounded": _bounded,
}


_SERVER = "server"


@pytest.fixture(params=[*_STORES, _SERVER])
def store(request: pytest.FixtureRequest, url: str) -> Iterator[JobStore]:
    if request.param != _SERVER:
        store = _STORES[request.param](url)
        yield store
        store.close()
        return
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip("TEST_DATABASE_URL names no database")
    store = _bounded(server)
    yield store
    store.close()
    engine = create_engine(server)
    metadata.drop_all(engine)
    revisions.drop(engine, checkfirst=True)
    engine.dispose()


def ends() -> list[Callable[[Job], Job]]:
    return [
        lambda job: job,
        lambda job: job.started(2.0),
        succeeded,
        lambda job: job.started(2.0).failed(3.0, JobFailure("out_of_memory", "too large")),
        lambda job: job.cancelled(3.0),
    ]


@pytest.mark.parametrize("end", ends())
def test_a_job_is_read_back_as_it_was_stored(store: JobStore, end: Callable[[Job], Job]) -> None:
    job = end(store.accept(new_job()))
    store.update(job)
    assert store.find(job.key) == job
    assert list(store.page("me", status=job.status, before=None, limit=5)) == [job]
    assert list(store.unfinished()) == ([] if job.status.finished else [job])
    assert set(store.tokens()) == {TOKEN}


def test_a_job_with_parts_is_read_back_with_the_names_of_its_models(store: JobStore) -> None:
    job = new_job()
    request = dataclasses.replace(FULL, id="a", loras=(), embeddings=(), controls=(), vae_id=None)
    names = {"upscale.model_id": "sharp", "second_pass.upscaler": "lanczos"}
    kept = store.accept(dataclasses.replace(job, request=request, other_names=names))
    assert store.find(job.key) == kept
    assert kept.other_names == names
    assert kept.request == request


def test_ids_and_callers_are_compared_exactly(store: JobStore) -> None:
    names = ["a", "A", "a ", "ä", "a\u0308", "🎨", "%41"]
    for name in names:
        store.accept(new_job(name))
    store.accept(new_job("a", caller="me "))
    found = [store.find(JobKey("me", name)) for name in names]
    assert [job and job.request.id for job in found] == names
    assert store.find(JobKey("you", "a")) is None
    assert len(store.page("me", status=None, before=None, limit=50)) == len(names)


def test_pages_go_from_the_newest_to_the_oldest(store: JobStore) -> None:
    jobs = [store.accept(new_job(f"{number}")) for number in range(5)]
    page = store.page("me", status=None, before=None, limit=2)
    assert list(page) == [jobs[4], jobs[3]]
    rest = store.page("me", status=JobStatus.QUEUED, before=page[-1].sequence, limit=9)
    assert list(rest) == [jobs[2], jobs[1], jobs[0]]


def test_a_resubmitted_job_replaces_the_old_one(store: JobStore) -> None:
    old = store.accept(new_job())
    store.update(old.cancelled(2.0))
    new = store.accept(new_job(token="cd" * 16))
    assert new.sequence > old.sequence
    store.update(succeeded(old))
    assert store.find(new.key) == new


@pytest.mark.parametrize("end", ends())
def test_a_new_job_is_stored_unless_one_of_its_key_stays(
    store: JobStore, end: Callable[[Job], Job]
) -> None:
    there = end(store.accept(new_job()))
    store.update(there)
    kept = store.accept(new_job(token="cd" * 16))
    if there.can_be_replaced:
        assert (kept.token, kept.status) == ("cd" * 16, JobStatus.QUEUED)
        assert kept.sequence > there.sequence
    else:
        assert kept == there
    assert store.find(there.key) == kept
    assert len(store.page("me", status=None, before=None, limit=9)) == 1


@pytest.mark.parametrize("end", ends())
def test_a_job_that_is_named_makes_room_whatever_became_of_it(
    store: JobStore, end: Callable[[Job], Job]
) -> None:
    there = end(store.accept(new_job()))
    store.update(there)
    kept = store.accept(new_job(token="cd" * 16), instead_of=there.token)
    assert kept.token == "cd" * 16
    assert store.find(there.key) == kept
    again = store.accept(new_job(token="ef" * 16), instead_of=there.token)
    assert again == kept, "only the job that is named makes room"


def test_of_threads_that_store_one_key_exactly_one_succeeds(store: JobStore) -> None:
    store.accept(new_job("other"))  # so that the tables are there
    for attempt in range(20):
        name, start = f"a{attempt}", threading.Barrier(2)
        kept: dict[str, Job] = {}

        def accept(token: str, name: str = name, start: threading.Barrier = start) -> None:
            start.wait(10)
            kept[token] = store.accept(new_job(name, token=token))  # noqa: B023

        tokens = (f"{attempt:030x}aa", f"{attempt:030x}bb")
        threads = [threading.Thread(target=accept, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert kept[tokens[0]] == kept[tokens[1]] == store.find(JobKey("me", name))


def test_a_finished_job_does_not_change(store: JobStore) -> None:
    running = store.accept(new_job()).started(2.0)
    store.update(running)
    done = running.cancelled(3.0)
    store.update(done)
    store.update(running.requeued())
    assert store.find(done.key) == done


def test_expired_and_excess_jobs_are_removed_oldest_first(store: JobStore) -> None:
    jobs = []
    for number in range(4):
        added = store.accept(new_job(str(number), token=f"{number:032x}"))
        job = succeeded(added, at=10.0 + number, size=100_000)
        store.update(job)
        jobs.append(job)
    waiting = store.accept(new_job("waiting"))
    assert set(store.retire(finished_before=10.0, keep_bytes=450_000)) == set()
    assert set(store.retire(finished_before=10.5, keep_bytes=450_000)) == {jobs[0].token}
    assert set(store.retire(finished_before=0, keep_bytes=299_000)) == {jobs[1].token}
    left = store.page("me", status=None, before=None, limit=9)
    assert list(left) == [waiting, jobs[3], jobs[2]]


def test_added_bytes_count(store: JobStore) -> None:
    job = succeeded(store.accept(new_job()), size=100)
    store.update(job)
    assert store.retire(finished_before=0.0, keep_bytes=50_000) == set()
    store.add_bytes(job, 30_000)
    assert store.retire(finished_before=0.0, keep_bytes=50_000) == set()
    store.add_bytes(job, 30_000)
    assert store.find(job.key) == job
    assert store.retire(finished_before=0.0, keep_bytes=50_000) == {TOKEN}
    store.add_bytes(job, 30_000)
    assert store.find(job.key) is None


def test_jobs_without_pictures_count_too(store: JobStore) -> None:
    tokens = [f"{number:032x}" for number in range(10)]
    for number, token in enumerate(tokens):
        job = store.accept(new_job(str(number), token=token))
        store.update(job.cancelled(10.0 + number))
    gone = store.retire(finished_before=0, keep_bytes=5_000)
    assert 0 < len(gone) < 10
    assert set(gone) == set(tokens[: len(gone)])


def test_a_caller_that_stores_much_evicts_only_its_own_jobs(store: JobStore) -> None:
    tokens = [f"{number:032x}" for number in range(300)]
    mine = [store.accept(new_job(str(n), caller="me", token=tokens[n])) for n in range(4)]
    for job in mine:
        store.update(succeeded(job, at=1.0, size=10_000))
    theirs = [
        store.accept(new_job(str(n), caller="other", token=tokens[n])) for n in range(10, 300)
    ]
    for job in theirs:
        store.update(job.cancelled(2.0))
    gone = set(store.retire(finished_before=0, keep_bytes=100_000))
    assert gone
    assert gone <= {job.token for job in theirs}
    assert len(store.page("me", status=JobStatus.SUCCEEDED, before=None, limit=9)) == 4


def test_old_jobs_without_pictures_of_a_caller_are_removed_first(store: JobStore) -> None:
    picture = store.accept(new_job("picture", token="aa" * 16))
    store.update(succeeded(picture, at=1.0, size=400_000))
    ended = []
    for number in range(KEPT_WITHOUT_PICTURES + 2):
        job = store.accept(new_job(str(number), token=f"{number:032x}"))
        is_cancelled = number % 2
        failure = JobFailure("out_of_memory", "too large")
        at = 10.0 + number
        store.update(job.cancelled(at) if is_cancelled else job.started(at).failed(at, failure))
        ended.append(job.token)
    order: list[str] = []
    for keep_bytes in range(600_000, 300_000, -100):
        order += store.retire(finished_before=0, keep_bytes=keep_bytes)
    # The picture is the oldest of the jobs that count alike.
    assert order[:3] == [ended[0], ended[1], picture.token]


def test_unreadable_jobs_can_be_removed(url: str) -> None:
    store = SqlJobStore(SqlDatabase(url))
    store.update(succeeded(store.accept(new_job())))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("update jobs set body = '{'")
    connection.close()
    assert set(store.retire(finished_before=99, keep_bytes=1_000_000)) == {TOKEN}
    store.close()


def test_jobs_survive_the_process(url: str) -> None:
    first = SqlJobStore(SqlDatabase(url))
    job = first.accept(new_job())
    first.close()
    second = SqlJobStore(SqlDatabase(url))
    assert second.find(job.key) == job
    assert second.accept(new_job("b")).sequence > job.sequence
    second.close()


def test_a_number_is_never_assigned_twice(url: str) -> None:
    store = SqlJobStore(SqlDatabase(url))
    job = store.accept(new_job())
    store.update(job.cancelled(2.0))
    store.retire(finished_before=99, keep_bytes=0)
    assert store.accept(new_job()).sequence > job.sequence
    store.close()


def test_a_locked_database_is_reported_and_works_afterwards(url: str) -> None:
    store = SqlJobStore(SqlDatabase(url, patience=0.05))
    job = store.accept(new_job())
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StorageUnavailable) as caught:
        store.update(job.cancelled(2.0))
    assert "jobs.sqlite" not in str(caught.value)
    other.execute("rollback")
    other.close()
    store.update(job.cancelled(2.0))
    assert store.unfinished() == []
    store.close()


def test_a_locked_database_is_awaited_longer_if_no_caller_waits(
    url: str,
) -> None:
    store = SqlJobStore(SqlDatabase(url, patience=0.05, long_patience=60))
    job = store.accept(new_job())
    path = url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    for refused in (lambda: store.accept(new_job("new")), lambda: store.update(job.cancelled(2.0))):
        with pytest.raises(StorageUnavailable):
            refused()
    later = threading.Timer(0.3, other.rollback)
    later.start()
    store.update(job.cancelled(2.0), patiently=True)
    later.join()
    other.close()
    assert store.unfinished() == []
    store.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
def test_a_file_that_is_not_a_database_is_reported(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "jobs.sqlite"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(StorageUnavailable):
        SqlJobStore(SqlDatabase(f"sqlite:///{path}")).accept(new_job())


def test_a_newer_database_is_left_unchanged(url: str) -> None:
    store = SqlJobStore(SqlDatabase(url))
    store.accept(new_job())
    store.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("insert into job_schema_versions values (99)")
    connection.close()
    with pytest.raises(StorageUnavailable, match=r"version 99, made by a newer release"):
        store.find(JobKey("me", "a"))
    store.close()


def test_fields_of_other_versions_and_invalid_rows_stop_nothing(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqlJobStore(SqlDatabase(url))
    job = store.accept(new_job())
    torn = store.accept(new_job("torn"))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        body = "json_remove(json_set(body, '$.colour', 'red'), '$.warnings')"
        connection.execute(f"update jobs set body = {body} where sequence = {job.sequence}")
        connection.execute(f"update jobs set body = '{{' where sequence = {torn.sequence}")
    connection.close()
    assert store.unfinished() == [job]
    assert "cannot be read" in caplog.text
    store.close()


def test_a_job_that_stays_is_found_while_another_writes(url: str) -> None:
    store = SqlJobStore(SqlDatabase(url, patience=0.1))
    kept = succeeded(store.accept(new_job()))
    store.update(kept)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
        other.execute("begin immediate")
        assert store.accept(new_job(token="cd" * 16)) == kept
        with pytest.raises(StorageUnavailable):
            store.accept(new_job("new"))
    other.close()
    store.close()


def test_of_two_services_on_one_database_one_stores_a_job(url: str) -> None:
    first, second = SqlJobStore(SqlDatabase(url)), SqlJobStore(SqlDatabase(url))
    kept = first.accept(new_job())
    assert second.accept(new_job(token="cd" * 16)) == kept
    first.close()
    second.close()


def test_threads_may_add_concurrently(url: str) -> None:
    store = SqlJobStore(SqlDatabase(url))
    sequences: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: sequences.append(store.accept(new_job(str(n))).sequence)
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(sequences)) == 8
    store.close()


def test_only_their_owner_can_read_jobs_and_pictures(url: str, tmp_path: Path) -> None:
    store = SqlJobStore(SqlDatabase(url))
    store.accept(new_job())
    database = Path(url.removeprefix("sqlite:///"))
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    files = ResultFiles(tmp_path / "results")
    files.write(TOKEN, [GeneratedImage(b"1", 1, 8, 8)])
    (path,) = (tmp_path / "results").glob("*/*/0")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.close()


def test_an_invalid_url_creates_no_file_and_its_password_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqlJobStore(SqlDatabase("sqlite://user:hunter2@nowhere/x?bad=1"))
    with pytest.raises(StorageUnavailable) as caught:
        store.accept(new_job())
    assert "hunter2" not in str(caught.value) + caplog.text
    assert list(tmp_path.iterdir()) == []


_WRITER = """
import dataclasses, sys
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from adapters.storage.files.result_files import ResultFiles
from tests.contract.storage.kept_jobs import new_job, succeeded
from domain.generation.request import GeneratedImage
store, files = SqlJobStore(SqlDatabase(sys.argv[1])), ResultFiles(sys.argv[2])
for number in range(100_000):
    job = store.accept(new_job(str(number), token=f"{number:032x}"))
    files.write(job.token, [GeneratedImage(bytes([number % 256]) * 50_000, 3, 512, 512)] * 2)
    store.update(succeeded(job))
    print(number, flush=True)
"""


def test_everything_acknowledged_before_a_kill_is_complete(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, url, str(tmp_path / "results")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(30)]
        writer.kill()
    store, files = SqlJobStore(SqlDatabase(url)), ResultFiles(tmp_path / "results")
    for number in acknowledged:
        job = store.find(JobKey("me", str(number)))
        assert job is not None
        assert job.status is JobStatus.SUCCEEDED
        for image in (0, 1):
            assert files.read(job.token, image) == bytes([number % 256]) * 50_000
    files.keep_only(store.tokens())
    assert not list((tmp_path / "results").glob(".writing-*"))
    store.close()


def test_creating_the_stores_touches_no_file(tmp_path: Path) -> None:
    SqlJobStore(SqlDatabase(f"sqlite:///{tmp_path}/data/jobs.sqlite"))
    ResultFiles(tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_a_removed_job_is_gone_and_no_other(store: JobStore) -> None:
    first, second = store.accept(new_job("a")), store.accept(new_job("b", token="ef" * 16))
    done = first.started(2.0).cancelled(3.0)
    store.update(done)
    store.remove(done)
    assert store.find(first.key) is None
    assert store.tokens() == {second.token}
    store.remove(done)  # it is no longer there
    assert store.find(second.key) == second


def test_a_newer_job_with_the_same_id_is_not_removed(store: JobStore) -> None:
    old = store.accept(new_job("a")).cancelled(2.0)
    store.update(old)
    newer = store.accept(new_job("a", token="cd" * 16))
    store.remove(old)
    assert store.find(newer.key) == newer
