"""Stores of jobs and pictures over one database, for tests of both."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_job_store import BoundedJobStore
from adapters.storage.bounded_pictures import BoundedPictureIndex
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from adapters.storage.sql.picture_index import SqlPictureIndex
from adapters.storage.sql.tables import metadata, revisions
from application.job import Job
from application.ports.job_store import JobStore
from application.ports.picture_index import PictureIndex
from domain.generation.any_request import result_of
from domain.generation.request import GeneratedImage, Timings
from domain.pictures import PictureRef
from tests.contract.storage.kept_jobs import naming_picture, new_job
from tests.fakes.pictures import FakePictureIndex
from tests.fakes.stores import FakeJobStore

__all__ = ["KINDS", "Stores", "draw", "naming", "opened_stores", "ref_of"]


@dataclass(frozen=True)
class Stores:
    """The jobs, and the pictures beside them."""

    jobs: JobStore
    index: PictureIndex


def _fake(_: str) -> Stores:
    jobs = FakeJobStore()
    return Stores(jobs, FakePictureIndex(jobs))


def _sql(url: str) -> Stores:
    database = SqlDatabase(url, patience=5)
    return Stores(SqlJobStore(database), SqlPictureIndex(database))


def _bounded(url: str) -> Stores:
    calls = BoundedCalls()
    database = SqlDatabase(url, patience=5, before_commit=calls.commit)
    return Stores(
        BoundedJobStore(SqlJobStore(database), calls, seconds=60, long_seconds=60),
        BoundedPictureIndex(SqlPictureIndex(database), calls, seconds=60, long_seconds=60),
    )


_SERVER = "server"
_MAKERS: Mapping[str, Callable[[str], Stores]] = {"fake": _fake, "sql": _sql, "bounded": _bounded}
KINDS = (*_MAKERS, _SERVER)
"""In memory, in SQLite with and without bounded calls, and on the server of TEST_DATABASE_URL."""


def opened_stores(kind: str, folder: Path) -> Iterator[Stores]:
    """Return the stores of this kind for one test."""
    if kind != _SERVER:
        stores = _MAKERS[kind](f"sqlite:///{folder}/jobs.sqlite")
        yield stores
        stores.jobs.close()
        return
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip("TEST_DATABASE_URL names no database")
    stores = _bounded(server)
    yield stores
    stores.jobs.close()
    engine = create_engine(server)
    metadata.drop_all(engine)
    revisions.drop(engine, checkfirst=True)
    engine.dispose()


def ref_of(name: str, size: int = 100) -> PictureRef:
    """Return the reference of a picture with this name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return PictureRef(id=digest, media_type="image/png", size=size, width=8, height=6)


def naming(ref: PictureRef, name: str = "a", caller: str = "me", token: str = "ab" * 16) -> Job:
    """Return a job whose request names a picture."""
    job = new_job(name, caller, token)
    return naming_picture(job, ref)


def draw(stores: Stores, *files: bytes, name: str = "drawn", token: str = "cd" * 16) -> Job:
    """Accept a job and store that it has drawn these files."""
    job = stores.jobs.accept(new_job(name, token=token))
    result = result_of(
        job.request,
        images=tuple(GeneratedImage(data, 3, 512, 512) for data in files),
        processing_time=1.0,
        timings=Timings(),
    )
    done = job.started(2.0).succeeded(3.0, result)
    stores.jobs.update(done)
    return done
