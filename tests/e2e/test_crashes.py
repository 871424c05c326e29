"""A library that crashes the worker, or keeps Python from running, costs one start."""

import contextlib
import http.client
import re
from pathlib import Path

import pytest

from tests.e2e.service import RunningService, service_environment
from tests.fakes.model_source import model_record
from tests.paths import ROOT

_MODEL_ID = model_record().id
_CONFIG = ROOT / "tests" / "e2e" / "crashing_gunicorn.py"


@pytest.mark.parametrize(
    ("prompt", "cause"),
    [
        ("abort", "SIGABRT"),
        ("segv", "SIGSEGV"),
        ("hold the interpreter", "its supervisor, because it had not answered"),
    ],
)
def test_a_job_that_crashes_the_worker_fails_at_the_next_start(
    tmp_path: Path, prompt: str, cause: str
) -> None:
    # Otherwise gunicorn waits two minutes before it ends a worker that no longer answers.
    environment = service_environment(tmp_path, GUNICORN_CMD_ARGS="--timeout 3")
    service = RunningService(environment, tmp_path, _CONFIG)
    try:
        service.wait_for_line("Paste this")
        # The worker may end before it has answered.
        with contextlib.suppress(OSError, http.client.HTTPException):
            deadly = {"id": "deadly", "model_id": _MODEL_ID, "prompt": prompt}
            service.call("POST", "/v1/jobs", deadly)
        service.wait_for_line("an earlier process was ended by", seconds=30)
        good = service.call("POST", "/v1/infer", {"model_id": _MODEL_ID, "prompt": "x"})
        assert good.status == 200
        job = service.call("GET", "/v1/jobs/deadly").json
        assert job["status"] == "failed"
        assert job["error"]["code"] == "generation_failed"
        assert cause in job["error"]["detail"]
        assert len(re.findall("Booting worker", service.output)) == 2
    finally:
        service.stop()
