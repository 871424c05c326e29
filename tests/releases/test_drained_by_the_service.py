"""The real service takes over what an earlier release left, and draws what waited."""

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.service import RunningService, run_service
from tests.paths import DEMO_CHECKPOINT
from tests.releases.callers import caller_of
from tests.releases.opened import KEYS, RELEASES, copy_release

pytestmark = pytest.mark.torch


def asked(service: RunningService, key: str, body: Any) -> list[bytes]:
    """The pictures of a request, which is waited for."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = service.call("POST", "/v1/infer", body, headers=headers, seconds=240)
    assert answer.status == 200, answer.body
    return [base64.b64decode(image["base64"]) for image in answer.json["images"]]


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_what_waited_is_drawn_and_what_was_drawn_is_replayed(release: Path, tmp_path: Path) -> None:
    answers = json.loads((release / "answers.json").read_text("utf-8"))
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(DEMO_CHECKPOINT, models)
    changes = {
        "API_KEYS": ",".join(KEYS),
        "DATA_DIR": str(copy_release(release, tmp_path)),
        "JOB_RETENTION_SECONDS": "3153600000",
        "SHUTDOWN_GRACE_SECONDS": "0",
    }
    with run_service(models, tmp_path, **changes) as service:
        for key in KEYS:
            for job in answers["jobs"][caller_of(key)]:
                if job["status"] in ("queued", "running"):
                    pictures = asked(service, key, job["request"])
                    assert len(pictures) == job["request"]["num_images"]
            for row in answers["pictures"][caller_of(key)].values():
                found = asked(service, key, row["body"])
                assert [hashlib.sha256(data).hexdigest() for data in found] == row["sha256"]
        for key in KEYS:
            headers = {"Authorization": f"Bearer {key}"}
            jobs = service.call("GET", "/v1/jobs?limit=100", headers=headers).json["jobs"]
            old = answers["jobs"][caller_of(key)]
            assert [job["id"] for job in jobs] == [job["id"] for job in old]
            assert {job["status"] for job in jobs} <= {"succeeded", "failed", "cancelled"}
        log = service.output
    assert "runs" in log
    assert "Traceback" not in log
