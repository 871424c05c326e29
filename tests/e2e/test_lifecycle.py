"""Startup, files that come and go, bad files, and shutdown."""

import hashlib
import json
import os
import pickle
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.e2e.service import API_KEY, RunningService, run_service, service_environment
from tests.paths import DEMO_CHECKPOINT

pytestmark = pytest.mark.torch


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def listed(service: RunningService) -> dict[str, str]:
    return {row["name"]: row["id"] for row in service.call("GET", "/v1/models").json["models"]}


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Poll over the network until `condition` is true."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


class _Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.marker}",))


def test_warm_up_models_are_loaded_before_the_first_request(models: Path, tmp_path: Path) -> None:
    shutil.copy(DEMO_CHECKPOINT, models)
    with run_service(models, tmp_path, WARM_UP=DEMO_CHECKPOINT.name) as service:
        assert "demo.safetensors is warm after" in service.output
        loaded = service.call("GET", "/v1/system").json["loaded_models"]
        assert [each["id"] for each in loaded] == [listed(service)["demo.safetensors"]]


def test_files_can_come_change_and_go_and_bad_files_stop_nothing(
    models: Path, tmp_path: Path
) -> None:
    with run_service(models, tmp_path) as service:
        assert listed(service) == {}
        # The file appears complete; another test covers files that are still being copied.
        (tmp_path / "one").write_bytes(b"one")
        (tmp_path / "one").rename(models / "a.safetensors")
        eventually(lambda: "a.safetensors" in listed(service))
        assert listed(service)["a.safetensors"] == hashlib.sha256(b"one").hexdigest()

        (tmp_path / "two").write_bytes(b"two!")
        (tmp_path / "two").rename(models / "a.safetensors")
        two = hashlib.sha256(b"two!").hexdigest()
        eventually(lambda: listed(service).get("a.safetensors") == two)

        marker = tmp_path / "it ran"
        (tmp_path / "evil").write_bytes(pickle.dumps(_Hostile(marker), protocol=2))
        (tmp_path / "evil").rename(models / "evil.ckpt")
        eventually(lambda: "evil.ckpt" in listed(service))
        for name, model_id in listed(service).items():
            body = {"id": name, "model_id": model_id, "prompt": "x"}
            answer = service.call("POST", "/v1/infer", body)
            assert (answer.status, answer.json["code"]) == (422, "model_not_loadable")
            assert name in answer.json["detail"]
        assert not marker.exists()

        for file in models.iterdir():
            file.unlink()
        eventually(lambda: listed(service) == {})
        assert service.call("GET", "/health").json["status"] == "healthy"
        assert "Traceback" not in service.call("GET", "/v1/nothing").body.decode()


def test_sigterm_finishes_running_jobs_and_exits_with_0(models: Path, tmp_path: Path) -> None:
    shutil.copy(DEMO_CHECKPOINT, models / "demo.safetensors")
    with run_service(models, tmp_path) as service, ThreadPoolExecutor(1) as caller:
        body = {
            "id": "long",
            "model_id": listed(service)["demo.safetensors"],
            "prompt": "x",
            "width": 256,
            "height": 256,
            "num_inference_steps": 20,
        }
        answer = caller.submit(service.call, "POST", "/v1/infer", body)
        service.wait_for_line("loaded .*demo.safetensors")
        assert not answer.done()
        service.process.send_signal(signal.SIGTERM)
        assert answer.result().status == 200
        assert service.stop() == 0


def test_sigterm_finishes_jobs_without_a_waiting_client_and_reports_it(
    models: Path, tmp_path: Path
) -> None:
    shutil.copy(DEMO_CHECKPOINT, models / "demo.safetensors")
    with run_service(models, tmp_path) as service:
        body = {
            "id": "long",
            "model_id": listed(service)["demo.safetensors"],
            "prompt": "x",
            "num_inference_steps": 40,
        }
        assert service.call("POST", "/v1/jobs", body).status == 202
        service.wait_for_line("loaded .*demo.safetensors")
        service.process.send_signal(signal.SIGTERM)
        ready = service.call("GET", "/health/ready")
        while ready.status == 200:  # the signal travels from process to process
            ready = service.call("GET", "/health/ready")
        assert (ready.status, ready.json["detail"]) == (503, "the service is stopping")
        refused = service.call("POST", "/v1/jobs", body | {"id": "late"})
        assert (refused.status, refused.json["code"]) == (503, "shutting_down")
        assert service.stop() == 0
        assert "drawn: id='long'" in service.output
        assert "SIGABRT" not in service.output


def test_clients_waiting_past_the_grace_period_are_answered_and_the_exit_status_is_0(
    models: Path, tmp_path: Path
) -> None:
    shutil.copy(DEMO_CHECKPOINT, models / "demo.safetensors")
    with (
        run_service(models, tmp_path, SHUTDOWN_GRACE_SECONDS="1") as service,
        ThreadPoolExecutor(2) as callers,
    ):
        body = {
            "model_id": listed(service)["demo.safetensors"],
            "prompt": "x",
            "width": 1024,
            "height": 1024,
            "num_inference_steps": 150,
        }
        answers = [
            callers.submit(service.call, "POST", "/v1/infer", body | {"id": name})
            for name in ("running", "waiting")
        ]
        service.wait_for_line("loaded .*demo.safetensors")
        assert service.stop() == 0
        for answer in answers:
            assert (answer.result().status, answer.result().json["code"]) == (503, "shutting_down")


def test_half_sent_requests_do_not_hold_their_threads(models: Path, tmp_path: Path) -> None:
    with run_service(models, tmp_path, MAX_QUEUE="1") as service, ExitStack() as sockets:
        host, port = service.url.removeprefix("http://").split(":")
        for _ in range(30):  # more connections than threads
            half = sockets.enter_context(socket.create_connection((host, int(port))))
            half.sendall(b"POST /v1/infer HTTP/1.1\r\nHost: x\r\n")
        assert service.call("GET", "/health", seconds=60).status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"no http at all\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % i for i in range(200)) + b"\r\n", 431),
    ],
)
def test_bytes_that_are_not_http_get_problem_details(
    empty_service: RunningService, sent: bytes, status: int
) -> None:
    host, port = empty_service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(sent)
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"X-Request-ID: " in head
    assert json.loads(body)["status"] == status


def test_invalid_chunks_are_a_bad_request(empty_service: RunningService) -> None:
    host, port = empty_service.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.fixture(scope="module")
def empty_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a model."""
    with run_service(tmp_path_factory.mktemp("none"), tmp_path_factory.mktemp("cwd")) as running:
        yield running


def test_all_invalid_settings_are_named_and_nothing_is_served(models: Path, tmp_path: Path) -> None:
    environment = service_environment(models, DEVICE="tpu", LOG_LEVEL="LOUD", MAX_QUEUE="0")
    service = RunningService(environment, tmp_path)
    assert service.process.wait(60) != 0
    service.stop()
    for variable in ("DEVICE", "LOG_LEVEL", "MAX_QUEUE"):
        assert variable in service.output
    assert "Traceback" not in service.output


def test_a_missing_device_ends_the_service_with_a_clear_error(models: Path, tmp_path: Path) -> None:
    service = RunningService(service_environment(models, DEVICE="cuda:99"), tmp_path)
    assert service.process.wait(60) != 0
    service.stop()
    assert "DEVICE is 'cuda:99'" in service.output


def test_without_credentials_the_service_makes_a_key_and_prints_it_and_a_link(
    models: Path, tmp_path: Path
) -> None:
    with run_service(models, tmp_path, API_KEYS="") as service:
        key = service.wait_for_line("^API key: ").split()[-1]
        assert service.output.count(key) == 2
        assert f"{service.url}/#key={key}" in service.output
        assert service.call("GET", "/v1/models").status == 401
        mine = {"Authorization": f"Bearer {key}"}
        assert service.call("GET", "/v1/models", headers=mine).status == 200


def test_a_body_without_a_length_is_limited_too(models: Path, tmp_path: Path) -> None:
    with run_service(models, tmp_path, MAX_BODY_BYTES="2048") as service:
        host = service.url.removeprefix("http://")
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        for size, status in ((2048, 422), (2049, 413)):
            chunks = iter([b"{" + b" " * 1000, b" " * (size - 1002) + b"}"])
            with closing(HTTPConnection(host, timeout=30)) as connection:
                connection.request("POST", "/v1/infer", chunks, headers, encode_chunked=True)
                with connection.getresponse() as response:
                    assert response.status == status
