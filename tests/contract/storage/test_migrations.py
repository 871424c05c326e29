"""Databases of other releases: updated, used unchanged, or refused."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import IntegrityError

from adapters.storage.sql import schema, tables
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from application.job import JobKey
from domain.errors import StorageUnavailable
from tests.contract.storage.kept_jobs import new_job, succeeded
from tests.paths import ROOT
from tests.releases.opened import RELEASES

MIGRATIONS = ROOT / "adapters/storage/sql/migrations"
TO_NEXT = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0003", "0002"
def upgrade():
    op.add_column("jobs", sa.Column("colour", sa.Text))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


@pytest.fixture(params=["new", *RELEASES], ids=lambda each: getattr(each, "name", each))
def found(request: pytest.FixtureRequest, file: Path) -> Path:
    """A database before the first use: none, or that of an earlier release."""
    if request.param != "new":
        shutil.copy(request.param / "jobs.sqlite", file)
    return file


def rows(file: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(statement).fetchall()


def change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def opened(file: Path) -> SqlJobStore:
    """Return a store over this file that has opened it."""
    store = SqlJobStore(SqlDatabase(f"sqlite:///{file}"))
    try:
        store.tokens()
    finally:
        store.close()
    return store


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Act as a release with one more migration: `r0003.py` in this folder."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "r0003.py").write_text(TO_NEXT)
    monkeypatch.setattr(schema, "_MIGRATIONS", folder)
    monkeypatch.setattr(schema, "HEAD", "0003")
    return folder / "versions"


def test_migrations_are_numbered_and_the_last_is_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    numbers = sorted(script.revision for script in scripts.walk_revisions())
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert scripts.get_heads() == [tables.HEAD]


def test_the_migrations_create_the_tables_that_the_code_uses(found: Path) -> None:
    opened(found)
    engine = create_engine(f"sqlite:///{found}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()
    assert differences == []
    assert rows(found, "select version from job_schema_versions") == [(tables.VERSION,)]
    assert rows(found, "select version_num from alembic_version") == [(tables.HEAD,)]


def test_the_tables_equal_those_made_without_migrations(file: Path) -> None:
    opened(file)
    statement = "select name, sql from sqlite_master where tbl_name = 'jobs' order by name"

    def plain(path: Path) -> list[tuple[str, str]]:
        return [(name, "".join((sql or "").split())) for name, sql in rows(path, statement)]

    assert plain(file) == plain(RELEASES[0] / "jobs.sqlite")


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_the_rows_of_an_earlier_release_are_not_changed(folder: Path, file: Path) -> None:
    shutil.copy(folder / "jobs.sqlite", file)
    before = rows(file, "select * from jobs")
    opened(file)
    assert rows(file, "select * from jobs") == before
    assert len(before) == 11


@pytest.mark.parametrize(
    "lost",
    [
        ("drop index jobs_by_status",),
        ("drop table jobs",),
        ("delete from job_schema_versions",),
        ("drop table job_schema_versions",),
    ],
    ids=str,
)
def test_the_missing_tables_of_a_killed_first_start_are_created(
    file: Path, lost: tuple[str, ...]
) -> None:
    opened(file)
    change(file, "drop table alembic_version", *lost)
    store = SqlJobStore(SqlDatabase(f"sqlite:///{file}"))
    assert store.accept(new_job()).sequence > 0
    store.close()
    test_the_tables_equal_those_made_without_migrations(file)


def test_a_newer_release_adds_to_the_database_of_this_one(file: Path, newer: Path) -> None:
    assert newer.exists()
    shutil.copy(RELEASES[0] / "jobs.sqlite", file)
    opened(file)
    assert rows(file, "select version_num from alembic_version") == [("0003",)]
    assert len(rows(file, "select sequence, colour from jobs where colour is null")) == 11


def test_this_release_uses_a_database_to_which_a_newer_one_added(
    file: Path, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(file)
    monkeypatch.setattr(schema, "HEAD", tables.HEAD)
    monkeypatch.setattr(schema, "_MIGRATIONS", MIGRATIONS)
    store = SqlJobStore(SqlDatabase(f"sqlite:///{file}"))
    job = store.accept(new_job())
    store.update(succeeded(job))
    assert store.find(JobKey("me", "a")) == succeeded(job)
    assert store.unfinished() == []
    store.close()
    assert rows(file, "select version_num from alembic_version") == [("0003",)]


def test_this_release_refuses_a_database_that_a_newer_one_changed(file: Path) -> None:
    opened(file)
    change(
        file,
        "insert into job_schema_versions values (2)",
        "update alembic_version set version_num = '0003'",
        "drop table jobs",
    )
    before = rows(file, "select * from sqlite_master")
    with pytest.raises(StorageUnavailable, match=r"version 2, made by a newer release; this one"):
        opened(file)
    assert rows(file, "select * from sqlite_master") == before


def test_an_unknown_revision_is_reported(file: Path) -> None:
    opened(file)
    change(file, "update alembic_version set version_num = '0000'")
    with pytest.raises(StorageUnavailable, match="a revision that this release does not know"):
        opened(file)


def test_a_failed_migration_changes_nothing(file: Path, newer: Path) -> None:
    shutil.copy(RELEASES[0] / "jobs.sqlite", file)
    broken = "    op.execute('delete from jobs')\n    op.execute('no statement')\n"
    (newer / "r0003.py").write_text(TO_NEXT + broken)
    before = rows(file, "select * from jobs"), rows(file, "select * from sqlite_master")
    with pytest.raises(StorageUnavailable):
        opened(file)
    assert (rows(file, "select * from jobs"), rows(file, "select * from sqlite_master")) == before
    (newer / "r0003.py").write_text(TO_NEXT)
    opened(file)
    assert len(rows(file, "select colour from jobs")) == 11


_OPENER = """
import sys
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from tests.contract.storage.kept_jobs import new_job
store = SqlJobStore(SqlDatabase(sys.argv[1], patience=60, long_patience=60))
sys.stdin.readline()
store.accept(new_job(sys.argv[2]))
store.close()
print("alembic" in sys.modules)
"""


def process(file: Path, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "error", "-c", _OPENER, f"sqlite:///{file}", name]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_processes_may_open_one_database_at_once(found: Path) -> None:
    there = len(rows(found, "select * from jobs")) if found.exists() else 0
    processes = [process(found, f"job {number}") for number in range(4)]
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    errors = [each.communicate(timeout=120)[1] for each in processes]
    assert [each.returncode for each in processes] == [0] * 4, errors
    assert len(rows(found, "select * from jobs")) == there + 4
    assert rows(found, "select version_num from alembic_version") == [(tables.HEAD,)]


@pytest.mark.parametrize("is_done", [True, False])
def test_an_upgrade_that_another_process_was_first_with_does_no_harm(
    file: Path, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    upgrade = schema._upgrade

    def collide(engine: Engine, patience: float) -> None:
        if is_done:
            upgrade(engine, patience)
        raise IntegrityError("create table jobs", {}, Exception("the name is taken"))

    monkeypatch.setattr(schema, "_upgrade", collide)
    if is_done:
        opened(file)
    else:
        with pytest.raises(StorageUnavailable):
            opened(file)


def test_threads_may_open_databases_at_once(found: Path) -> None:
    failures: list[BaseException] = []
    other = found.with_name("other.sqlite")

    def open_it(file: Path) -> None:
        try:
            opened(file)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it, args=(file,)) for file in [found, other] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for file in (found, other):
        assert rows(file, "select version_num from alembic_version") == [(tables.HEAD,)]


def test_an_ordinary_start_does_not_import_alembic(file: Path) -> None:
    outputs = [process(file, name).communicate("\n", timeout=120) for name in ("first", "second")]
    assert [output for output, _error in outputs] == ["True\n", "False\n"]
