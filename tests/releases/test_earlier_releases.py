"""What earlier releases left behind is listed, replayed, served and drained by this one."""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.releases.callers import FIRST, SECOND, caller_of
from tests.releases.opened import KEYS, RELEASES, OpenedRelease, stored_rows

_MOVING = frozenset({"position", "progress"})
"""What is known of a job only while its service runs."""


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenedRelease]:
    opened = OpenedRelease(request.param, tmp_path)
    yield opened
    opened.close()


def assert_kept(old: Any, new: Any, *, but: frozenset[str] = frozenset()) -> None:
    """All that was answered then is answered now; fields may have been added."""
    if isinstance(old, dict):
        for name in old.keys() - but:
            assert_kept(old[name], new[name])
    elif isinstance(old, list):
        assert len(old) == len(new)
        for one, other in zip(old, new, strict=True):
            assert_kept(one, other)
    else:
        assert old == new


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_there_is_a_release_of_each_kind() -> None:
    assert {folder.name for folder in RELEASES} >= {"b5e36a7", "b6e9a52"}


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_no_key_is_in_the_files_and_they_are_small(folder: Path) -> None:
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert sum(map(len, files)) < 200_000
    assert not [data for data in files for key in KEYS if key.encode() in data]


def test_each_caller_sees_its_jobs_as_they_were(release: OpenedRelease) -> None:
    for key in KEYS:
        old, new = release.answers["jobs"][caller_of(key)], release.listed(key)
        assert [job["id"] for job in new] == [job["id"] for job in old]
        assert {job["status"] for job in old} >= {"queued", "succeeded", "cancelled"}
        for one, other in zip(old, new, strict=True):
            assert_kept(one, other, but=_MOVING)
            assert_kept(one, release.job(key, one["id"]), but=_MOVING)


def test_each_finished_job_is_replayed_with_the_same_bytes(release: OpenedRelease) -> None:
    for key, row in release.pictures():
        response = release.call("POST", "/v1/infer", key, row["body"])
        assert response.status_code == 200, response.text
        answer = response.get_json()
        assert_kept(row["answer"], answer)
        found = [sha256(base64.b64decode(image["base64"])) for image in answer["images"]]
        assert found == row["sha256"]
    assert release.generator.drawn == []


def test_a_seed_that_was_drawn_may_be_named(release: OpenedRelease) -> None:
    row = release.answers["pictures"][caller_of(FIRST)]["jpeg"]
    assert "seed" not in row["body"]
    named = row["body"] | {"seed": row["answer"]["images"][0]["seed"]}
    assert release.call("POST", "/v1/infer", FIRST, named).status_code == 200
    assert release.generator.drawn == []


def test_each_picture_is_served(release: OpenedRelease) -> None:
    formats = set()
    for key, row in release.pictures():
        for number, digest in enumerate(row["sha256"]):
            path = f"/v1/jobs/{quote(row['body']['id'])}/images/{number}"
            response = release.call("GET", path, key)
            assert response.status_code == 200, response.text
            assert sha256(response.data) == digest
            formats.add(response.mimetype)
            other = release.call("GET", path, SECOND if key == FIRST else FIRST)
            assert other.status_code == 404 or sha256(other.data) != digest
    assert formats == {"image/png", "image/jpeg", "image/webp"}


def test_another_body_of_a_finished_job_is_a_conflict(release: OpenedRelease) -> None:
    for key, row in release.pictures():
        other = row["body"] | {"prompt": "something else"}
        for path in ("/v1/infer", "/v1/jobs"):
            response = release.call("POST", path, key, other)
            assert (response.status_code, response.get_json()["code"]) == (409, "id_conflict")
    assert release.generator.drawn == []


def test_what_waited_and_what_was_drawn_is_drawn(release: OpenedRelease) -> None:
    before = {key: release.listed(key) for key in KEYS}
    release.drain()
    drawn = {(request.prompt, request.seed) for request in release.generator.drawn}
    waited = [
        job for jobs in before.values() for job in jobs if job["status"] in ("queued", "running")
    ]
    assert len(waited) == len(release.generator.drawn) == 4
    assert drawn == {(job["request"]["prompt"], job["request"]["seed"]) for job in waited}
    for key, jobs in before.items():
        for old, new in zip(jobs, release.listed(key), strict=True):
            if old in waited:
                assert (new["status"], new["error"]) == ("succeeded", None)
                path = f"/v1/jobs/{quote(new['id'])}/images/0"
                assert release.call("GET", path, key).status_code == 200
            else:
                assert new == old
    for key, row in release.pictures():
        assert release.call("POST", "/v1/infer", key, row["body"]).status_code == 200


def change(release: OpenedRelease, name: str, **request: object) -> int:
    """Store a request that this release refuses. Returns the number of the row."""
    with closing(sqlite3.connect(release.data / "jobs.sqlite")) as database, database:
        for number, text in database.execute("select sequence, body from jobs").fetchall():
            body = json.loads(text)
            if body["request"]["id"] == name and body["caller"] == caller_of(FIRST):
                body["request"] |= request
                changed = (json.dumps(body), number)
                database.execute("update jobs set body = ? where sequence = ?", changed)
                return int(number)
    raise LookupError(name)


REFUSED: tuple[dict[str, object], ...] = (
    {"scheduler": "Sampler of tomorrow"},
    {"width": 1_000_000},
    {"num_inference_steps": 0},
)


@pytest.mark.parametrize("changed", REFUSED, ids=str)
@pytest.mark.parametrize("name", ["waits with a seed", "runs"])
def test_a_job_that_this_release_refuses_fails_alone(
    release: OpenedRelease, name: str, changed: dict[str, object]
) -> None:
    number = change(release, name, **changed)
    before = stored_rows(release.data)
    (field,) = changed
    assert release.job(FIRST, name)["request"][field] == changed[field]
    release.drain()
    job = release.job(FIRST, name)
    assert (job["status"], job["error"]["code"]) == ("failed", "job_not_readable")
    assert field in job["error"]["detail"]
    assert job["request"][field] == changed[field]
    assert len(release.generator.drawn) == 3
    statuses = {each["status"] for key in KEYS for each in release.listed(key)}
    assert statuses == {"succeeded", "failed", "cancelled"}
    after = stored_rows(release.data)
    touched = {each for each in after if after[each] != before[each]}
    assert touched == {number, *(each for each, row in before.items() if row[4] in _WAITED)}


_WAITED = ("queued", "running")


@pytest.mark.parametrize("changed", REFUSED, ids=str)
def test_a_finished_job_that_this_release_refuses_is_shown_as_it_is(
    release: OpenedRelease, changed: dict[str, object]
) -> None:
    change(release, "png", **changed)
    rows = stored_rows(release.data)
    release.container.job_service().recover()
    (field,) = changed
    (job,) = (each for each in release.listed(FIRST) if each["id"] == "png")
    assert (job["status"], job["request"][field]) == ("succeeded", changed[field])
    picture = release.call("GET", "/v1/jobs/png/images/0", FIRST)
    assert sha256(picture.data) == release.answers["pictures"][caller_of(FIRST)]["png"]["sha256"][0]
    for row_number, row in rows.items():
        if row[4] not in _WAITED:
            assert stored_rows(release.data)[row_number] == row
