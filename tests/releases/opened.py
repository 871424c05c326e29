"""A release's database and pictures, opened by the code of this one."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from werkzeug.test import TestResponse

from application.settings import Settings
from container import Container
from tests.fakes.device_report import FakeDeviceReport
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource
from tests.paths import DEMO_CHECKPOINT
from tests.releases.callers import FIRST, SECOND, caller_of

__all__ = ["KEYS", "RELEASES", "OpenedRelease", "copy_release", "stored_rows"]

KEYS = (FIRST, SECOND)
RELEASES = tuple(sorted(path.parent for path in Path(__file__).parent.glob("*/jobs.sqlite")))
"""The folders of all releases that are kept here."""
_LONG_YEARS = 3_153_600_000
"""Seconds: the jobs of a release are old and must not be retired."""


def copy_release(folder: Path, to: Path) -> Path:
    """Copy what the release in `folder` left, as the DATA_DIR of a service. Returns that."""
    data = to / "data"
    data.mkdir(mode=0o700)
    shutil.copy(folder / "jobs.sqlite", data)
    shutil.copytree(folder / "results", data / "results")
    return data


def stored_rows(data: Path) -> dict[int, tuple[Any, ...]]:
    """Each row of the job table, by its number."""
    with closing(sqlite3.connect(data / "jobs.sqlite")) as database:
        return {row[0]: row for row in database.execute("select * from jobs order by sequence")}


class OpenedRelease:
    """The application with its real storage over the copy, and a generator that draws colours.

    Nothing is started: `drain` draws what waits.
    """

    def __init__(self, folder: Path, to: Path) -> None:
        self.answers: dict[str, Any] = json.loads((folder / "answers.json").read_text("utf-8"))
        self.data = copy_release(folder, to)
        self.generator = FakeImageGenerator()
        settings = Settings(
            api_keys=KEYS,
            data_dir=str(self.data),
            job_retention_seconds=_LONG_YEARS,
        )
        self.container = Container(settings=settings)
        self.container.image_generator.override(self.generator)
        self.container.device_report.override(FakeDeviceReport())
        models = {f"ai-models/{DEMO_CHECKPOINT.name}": DEMO_CHECKPOINT.read_bytes()}
        self.container.model_source.override(FakeModelSource(models))
        self.container.model_registry().refresh()
        self._client = self.container.app().test_client()

    def call(self, method: str, path: str, key: str, body: object = None) -> TestResponse:
        """A request of the caller with this key."""
        headers = {"Authorization": f"Bearer {key}"}
        return self._client.open(path, method=method, headers=headers, json=body)

    def listed(self, key: str) -> list[dict[str, Any]]:
        """The caller's jobs, newest first."""
        response = self.call("GET", "/v1/jobs?limit=100", key)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.get_json()["jobs"]
        return found

    def job(self, key: str, name: str) -> dict[str, Any]:
        """One job."""
        response = self.call("GET", f"/v1/jobs/{quote(name)}", key)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.get_json()
        return found

    def pictures(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Of each finished job: its caller's key, and the row of `answers.json`."""
        for key in KEYS:
            for row in self.answers["pictures"][caller_of(key)].values():
                yield key, row

    def drain(self) -> None:
        """Draw all that waits, as the service does after a start."""
        jobs = self.container.job_service()
        jobs.recover()
        jobs.drain()
        while jobs.run_once():
            pass

    def close(self) -> None:
        """Let go of the files."""
        self.container.job_records().close()
        self.container.model_registry().close()
