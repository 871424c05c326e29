"""A folder of pictures that hangs: a request for one is refused, all others are answered."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from tests.e2e.service import RunningService, service_environment
from tests.fakes.model_source import model_record
from tests.paths import ROOT

_CONFIG = ROOT / "tests" / "e2e" / "crashing_gunicorn.py"
_READERS = 40
_SECONDS = 10
"""Far less than a frozen file would block a reader."""


def test_pictures_that_hang_block_no_other_request(tmp_path: Path) -> None:
    service = RunningService(service_environment(tmp_path), tmp_path, _CONFIG)
    try:
        service.wait_for_line("Paste this")
        body = {"id": "a", "model_id": model_record().id, "prompt": "x"}
        assert service.call("POST", "/v1/infer", body).status == 200
        (picture,) = (tmp_path / "data" / "results").glob("*/*/0")
        data = picture.read_bytes()
        picture.unlink()
        os.mkfifo(picture)  # opening it waits for a writer, which never comes

        def read(_number: int) -> tuple[int, str]:
            answer = service.call("GET", "/v1/jobs/a/images/0", seconds=_SECONDS)
            return answer.status, answer.json["code"]

        with ThreadPoolExecutor(_READERS) as readers:
            answers = readers.map(read, range(_READERS))
            for path in ("/health", "/health/ready", "/v1/jobs/a", "/v1/jobs", "/v1/models"):
                assert service.call("GET", path, seconds=_SECONDS).status == 200
            assert set(answers) == {(503, "storage_unavailable")}
        drawn = service.call("POST", "/v1/infer", body | {"id": "b"}, seconds=_SECONDS)
        assert drawn.status == 200
        os.close(os.open(picture, os.O_RDWR | os.O_NONBLOCK))  # a waiting reader continues
        picture.unlink()
        picture.write_bytes(data)
        until = monotonic() + _SECONDS
        while (answer := service.call("GET", "/v1/jobs/a/images/0")).status != 200:
            assert monotonic() < until, answer
        assert answer.body == data
    finally:
        service.stop()
