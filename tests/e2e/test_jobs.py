"""Jobs of the real service: followed, cancelled, killed, found again."""

import http.client
import json
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.service import API_KEY, RunningService, run_service, service_environment
from tests.paths import DEMO_CHECKPOINT

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(DEMO_CHECKPOINT, folder / "demo.safetensors")
    return folder


@pytest.fixture(scope="module")
def shared(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with run_service(models, tmp_path_factory.mktemp("work")) as service:
        yield service


def body(service: RunningService, name: str, **changes: Any) -> dict[str, Any]:
    (model,) = service.call("GET", "/v1/models").json["models"]
    good = {
        "id": name,
        "model_id": model["id"],
        "prompt": "a red circle",
        "width": 256,
        "height": 256,
        "num_inference_steps": 4,
    }
    return good | changes


def job(service: RunningService, name: str) -> dict[str, Any]:
    found: dict[str, Any] = service.call("GET", f"/v1/jobs/{name}").json
    return found


def wait_for(service: RunningService, name: str, status: str, seconds: float = 60) -> None:
    deadline = monotonic() + seconds
    while job(service, name)["status"] != status:
        assert monotonic() < deadline, job(service, name)
        sleep(0.05)


def events(service: RunningService, name: str) -> Iterator[tuple[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    connection.request("GET", f"/v1/jobs/{name}/events", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    event = ""
    try:
        for line in response:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                event = value
            if field == "data":
                yield event, json.loads(value)
    finally:
        connection.close()


def test_a_job_can_be_followed_to_its_picture(shared: RunningService) -> None:
    accepted = shared.call("POST", "/v1/jobs", body(shared, "followed", num_inference_steps=60))
    assert accepted.status == 202
    assert accepted.headers["Location"] == "/v1/jobs/followed"
    seen = list(events(shared, "followed"))
    names = [name for name, _ in seen]
    assert names[-1] == "done"
    assert {"progress", "preview"} <= set(names)
    steps = [data["step"] for name, data in seen if name == "progress"]
    assert steps == sorted(steps)
    (image,) = seen[-1][1]["images"]
    picture = shared.call("GET", image["url"])
    assert picture.headers["Content-Type"] == "image/png"
    replay = shared.call("POST", "/v1/infer", body(shared, "followed", num_inference_steps=60))
    assert replay.status == 200
    assert shared.output.count("drawn: id='followed'") == 1


def test_eight_equal_requests_at_once_give_one_picture(shared: RunningService) -> None:
    with ThreadPoolExecutor(8) as callers:
        answers = list(
            callers.map(lambda _: shared.call("POST", "/v1/infer", body(shared, "equal")), range(8))
        )
    assert {answer.status for answer in answers} == {200}
    assert len({json.dumps(answer.json["images"]) for answer in answers}) == 1
    assert shared.output.count("drawn: id='equal'") == 1


def test_a_running_job_is_cancelled_between_two_steps(shared: RunningService) -> None:
    with ThreadPoolExecutor(1) as caller:
        long = body(shared, "cancelled", num_inference_steps=150, width=512, height=512)
        waiting = caller.submit(shared.call, "POST", "/v1/infer", long)
        following = events(shared, "cancelled") if _known(shared, "cancelled") else None
        assert following is not None
        assert any(name == "progress" and data["step"] > 0 for name, data in following)
        assert shared.call("DELETE", "/v1/jobs/cancelled").status == 202
        answer = waiting.result()
    assert (answer.status, answer.json["code"]) == (409, "cancelled")
    wait_for(shared, "cancelled", "cancelled")
    assert "drawn: id='cancelled'" not in shared.output


def test_a_client_that_disconnects_cancels_nothing(shared: RunningService) -> None:
    connection = http.client.HTTPConnection(urlsplit(shared.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    text = json.dumps(body(shared, "left", num_inference_steps=30))
    connection.request("POST", "/v1/infer", text, headers)
    assert _known(shared, "left")
    connection.close()
    wait_for(shared, "left", "succeeded")


def _known(service: RunningService, name: str) -> bool:
    deadline = monotonic() + 20
    while service.call("GET", f"/v1/jobs/{name}").status == 404:
        assert monotonic() < deadline
        sleep(0.02)
    return True


def test_accepted_jobs_survive_kills_and_give_the_same_picture(
    models: Path, tmp_path: Path
) -> None:
    names = [f"job-{number}" for number in range(4)]
    with run_service(models, tmp_path) as service:
        for seed, name in enumerate(names):
            wanted = body(service, name, seed=seed, num_inference_steps=20)
            assert service.call("POST", "/v1/jobs", wanted).status == 202
        wait_for(service, names[0], "succeeded")
        wait_for(service, names[1], "running")
        service.kill()
    with run_service(models, tmp_path) as service:
        for seed, name in enumerate(names):
            wait_for(service, name, "succeeded")
            undisturbed = body(service, f"undisturbed-{name}", seed=seed, num_inference_steps=20)
            assert service.call("POST", "/v1/infer", undisturbed).status == 200
            pictures = [
                service.call("GET", f"/v1/jobs/{each}/images/0").body
                for each in (name, f"undisturbed-{name}")
            ]
            assert pictures[0] == pictures[1]
        assert f"drawn: id='{names[0]}'" not in service.output


def test_jobs_past_the_grace_period_are_drawn_by_the_next_run(models: Path, tmp_path: Path) -> None:
    with run_service(models, tmp_path, SHUTDOWN_GRACE_SECONDS="1") as service:
        long = body(service, "long", width=512, height=512, num_inference_steps=100, seed=1)
        assert service.call("POST", "/v1/jobs", long).status == 202
        assert service.call("POST", "/v1/jobs", body(service, "next", seed=2)).status == 202
        wait_for(service, "long", "running")
        following = events(service, "long")
        assert any(name == "progress" and data["step"] > 0 for name, data in following)
        ended = threading.Thread(target=list, args=(following,))
        ended.start()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0
        ended.join(10)
        assert not ended.is_alive()
    with run_service(models, tmp_path) as service:
        assert service.call("DELETE", "/v1/jobs/long").status in (200, 202)
        wait_for(service, "next", "succeeded")
        wait_for(service, "long", "cancelled")


def test_public_routes_answer_while_every_slot_is_taken(models: Path, tmp_path: Path) -> None:
    with (
        run_service(models, tmp_path, MAX_WAITING="3", MAX_STREAMS="2") as service,
        ThreadPoolExecutor(6) as callers,
    ):
        long = [
            body(service, f"long-{number}", width=512, height=512, num_inference_steps=100)
            for number in range(4)
        ]
        waiting = [callers.submit(service.call, "POST", "/v1/infer", each) for each in long[:3]]
        for each in long[:3]:
            assert _known(service, each["id"])
        streams = [events(service, "long-0") for _ in range(2)]
        for stream in streams:
            next(stream)
        refused = service.call("POST", "/v1/infer", long[3])
        assert (refused.status, refused.json["code"]) == (503, "too_many_callers")
        assert int(refused.headers["Retry-After"]) >= 1
        assert service.call("GET", "/v1/jobs/long-3").status == 404
        allowed = service.call("POST", "/v1/infer", long[3], headers={"Prefer": "wait=60"})
        assert allowed.status == 202
        assert service.call("GET", "/v1/jobs/long-0/events").status == 503
        assert service.call("GET", "/health", seconds=2).status == 200
        for each in reversed(long):
            service.call("DELETE", f"/v1/jobs/{each['id']}")
        assert {answer.result().status for answer in waiting} == {409}


def test_a_second_service_over_the_same_folder_draws_only_after_the_first(
    models: Path, tmp_path: Path
) -> None:
    data = {"DATA_DIR": str(tmp_path / "data")}
    with run_service(models, tmp_path, **data) as first:
        slow = body(first, "slow", num_inference_steps=150, num_images=4)
        assert first.call("POST", "/v1/jobs", slow).status == 202
        wait_for(first, "slow", "running")
        second = RunningService(service_environment(models, **data), tmp_path)
        try:
            second.wait_for_line("another service uses the same data folder")
            ready = second.call("GET", "/health/ready")
            assert (ready.status, second.call("POST", "/v1/infer", slow).status) == (503, 503)
            assert job(second, "slow")["status"] == "running"
            first.kill()
            second.wait_for_line("1 accepted jobs of an earlier run are drawn now")
            wait_for(second, "slow", "running")
            assert second.call("DELETE", "/v1/jobs/slow").status == 202
            wait_for(second, "slow", "cancelled")
        finally:
            assert second.stop() == 0


def test_lost_pictures_are_drawn_again_and_disconnected_clients_block_nobody(
    models: Path, tmp_path: Path
) -> None:
    with run_service(models, tmp_path, MAX_WAITING="1") as service:
        lost = body(service, "lost", seed=5)
        first = service.call("POST", "/v1/infer", lost).json["images"]
        shutil.rmtree(tmp_path / "data" / "results")
        assert service.call("GET", "/v1/jobs/lost/images/0").status == 410
        assert service.call("POST", "/v1/infer", lost).json["images"] == first
        assert service.call("GET", "/v1/jobs/lost/images/0").status == 200

        connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
        long = body(service, "long", num_inference_steps=150, num_images=4, width=512, height=512)
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/infer", json.dumps(long), headers)
        wait_for(service, "long", "running")
        assert service.call("POST", "/v1/infer", body(service, "new")).status == 503
        connection.close()
        deadline = monotonic() + 30
        with pytest.raises(TimeoutError):  # the request has the slot now, and waits
            while service.call("POST", "/v1/infer", body(service, "next"), seconds=2).status == 503:
                assert monotonic() < deadline
                sleep(0.1)
        assert job(service, "long")["status"] == "running"
        service.call("DELETE", "/v1/jobs/long")
        again = service.call("POST", "/v1/jobs", body(service, "long"))
        assert (again.status, again.json["status"]) == (202, "queued")
        wait_for(service, "long", "succeeded")
