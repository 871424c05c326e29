"""Pictures that requests name: the same in any way, kept as long as they are needed."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from adapters.http.edge.body_budget import BodyBudget
from application.settings.settings import Settings
from container import Container
from tests.contract.test_pictures import picture
from tests.fakes.device_report import FakeDeviceReport
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    MODEL,
    OTHER_API_KEY,
    OTHERS,
    Service,
    infer_body,
    make_service,
    make_settings,
    running_service,
)
from tests.http.helpers import assert_problem, between_submit_and_wait, occupy_device, wrong_fields

WIDE = picture("green", (640, 320))
WIDE_ID = hashlib.sha256(WIDE).hexdigest()
INLINE = {"base64": base64.b64encode(WIDE).decode()}


def send(client: FlaskClient, data: bytes, headers: dict[str, str] = AUTHORIZED) -> str:
    """Send a picture. Return its id."""
    response = client.post("/v1/images", data=data, content_type="image/png", headers=headers)
    assert response.status_code in (200, 201), response.text
    return str(response.get_json()["id"])


def infer(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    response = client.post("/v1/infer", json=infer_body(**fields), headers=AUTHORIZED)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def job(service: Service, name: str) -> dict[str, Any]:
    response = service.client.get(f"/v1/jobs/{name}", headers=AUTHORIZED)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def test_a_picture_inline_uploaded_or_drawn_is_the_same_request(service: Service) -> None:
    first = infer(service.client, width=640, height=320)["images"][0]
    data = base64.b64decode(first["base64"])
    ways: list[dict[str, str]] = [
        {"id": first["id"]},  # drawn
        {"base64": first["base64"]},  # inline
        {"base64": f"data:image/png;base64,{first['base64']}"},
        {"id": send(service.client, data)},  # uploaded
        {"id": first["id"].upper()},
    ]
    answers = [infer(service.client, id="same", init_image=way) for way in ways]
    assert all(answer == answers[0] for answer in answers)
    assert len(service.generator.drawn) == 2
    assert job(service, "same")["request"]["init_image"] == {"id": first["id"]}
    other = infer_body(id="same", init_image=INLINE)
    conflict = service.client.post("/v1/infer", json=other, headers=AUTHORIZED)
    assert_problem(conflict, 409, "id_conflict")


def test_a_picture_of_another_caller_is_as_unknown_as_none(service: Service) -> None:
    send(service.client, WIDE, OTHERS)
    for picture_id in (WIDE_ID, "0" * 64):
        body = infer_body(init_image={"id": picture_id})
        response = service.client.post("/v1/infer", json=body, headers=AUTHORIZED)
        assert "names no picture of yours" in wrong_fields(response)["init_image.id"]


def test_a_picture_that_is_gone_fails_its_own_job_alone() -> None:
    with running_service(make_settings(max_queue=9)) as service:
        occupy_device(service)
        names = ["red", "green", "blue"]
        files = {name: picture(name, (640, 320)) for name in names}
        for name in names:
            inline = {"base64": base64.b64encode(files[name]).decode()}
            body = infer_body(id=name, init_image=inline)
            assert service.client.post("/v1/jobs", json=body, headers=AUTHORIZED).status_code == 202
        del service.pictures.files[hashlib.sha256(files["green"]).hexdigest()]
        service.generator.gate.set()
        for name in ("red", "blue"):
            infer(service.client, id=name, init_image={"base64": _base64(files[name])})
        failed = service.client.get("/v1/jobs/green/events", headers=AUTHORIZED)
        assert failed.status_code == 200
        failed.get_data()
        found = job(service, "green")
        assert (found["status"], found["error"]["code"]) == ("failed", "picture_not_found")
        assert hashlib.sha256(files["green"]).hexdigest() in found["error"]["detail"]
        again = infer(service.client, id="green", init_image={"base64": _base64(files["green"])})
        assert again["images"], "the picture is sent again, and then the job is drawn"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_drawn_picture_that_a_job_names_outlives_the_job_that_drew_it(service: Service) -> None:
    first = infer(service.client, id="first", width=640, height=320)["images"][0]
    infer(service.client, id="second", init_image={"id": first["id"]})
    forgotten = service.client.delete("/v1/jobs/first?forget=true", headers=AUTHORIZED)
    assert forgotten.status_code == 204
    path = f"/v1/images/{first['id']}"
    assert service.client.get(path, headers=AUTHORIZED).data == base64.b64decode(first["base64"])
    infer(service.client, id="third", init_image={"id": first["id"]})
    for name in ("second", "third"):
        service.client.delete(f"/v1/jobs/{name}?forget=true", headers=AUTHORIZED)
    assert service.client.get(path, headers=AUTHORIZED).status_code == 200, "it was used just now"


def test_a_request_that_waits_holds_no_memory_of_its_body() -> None:
    with running_service(make_settings(max_body_bytes=1024)) as service:
        taken: list[int] = []

        def look() -> None:
            (budget,) = (
                each
                for each in service.container.app().extensions.values()
                if isinstance(each, BodyBudget)
            )
            taken.append(budget.taken)

        client, _ = between_submit_and_wait(service, look)
        service.generator.gate.clear()
        body = infer_body(init_image=INLINE)
        client.post("/v1/infer", json=body, headers=AUTHORIZED | {"Prefer": "wait=5"})
        assert taken == [0]


def test_too_many_large_bodies_are_refused_before_they_are_read() -> None:
    service = make_service(make_settings(max_body_bytes=1024, max_picture_bytes=2048))
    app = service.container.app()
    (budget,) = (each for each in app.extensions.values() if isinstance(each, BodyBudget))
    assert budget.take("others", 10**9)
    data = b"x" * 1025
    for path, content_type in (("/v1/images", "image/png"), ("/v1/infer", "application/json")):
        response = service.client.post(
            path, data=data, content_type=content_type, headers=AUTHORIZED
        )
        assert_problem(response, 503, "too_many_callers")
        assert response.headers["Retry-After"] == "5"
    small = service.client.post(
        "/v1/images", data=data[:1024], content_type="image/png", headers=AUTHORIZED
    )
    assert small.status_code == 422, "a small body needs no room"
    budget.give_back("others", 10**9)
    response = service.client.post(
        "/v1/images", data=data, content_type="image/png", headers=AUTHORIZED
    )
    assert response.status_code == 422
    assert budget.taken == 0


@pytest.mark.parametrize("key", [API_KEY, OTHER_API_KEY])
def test_pictures_are_still_there_after_a_restart(tmp_path: Path, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    found: list[str] = []
    for _ in range(2):
        container = _real_container(tmp_path / "data")
        records, jobs = container.job_records(), container.job_service()
        jobs.recover()
        client = container.app().test_client()
        if not found:
            found.append(send(client, WIDE, headers))
            body = infer_body(id="drawn", init_image={"id": WIDE_ID})
            assert client.post("/v1/jobs", json=body, headers=headers).status_code == 202
            jobs.run_once()
            drawn = client.get("/v1/jobs/drawn", headers=headers).get_json()
            found.append(drawn["images"][0]["id"])
        for picture_id in found:
            response = client.get(f"/v1/images/{picture_id}", headers=headers)
            assert response.status_code == 200
            assert hashlib.sha256(response.data).hexdigest() == picture_id
        records.tidy()
        records.close()
        container.model_registry().close()
    stored = [path for path in (tmp_path / "data" / "pictures").rglob("*") if path.is_file()]
    assert [path.name for path in stored] == [WIDE_ID]


def _real_container(data: Path) -> Container:
    """Return a service with its real storage, a codec, and a generator that draws colours."""
    settings = Settings(api_keys=(API_KEY, OTHER_API_KEY), data_dir=str(data))
    container = Container(settings=settings)
    container.image_generator.override(FakeImageGenerator())
    container.device_report.override(FakeDeviceReport())
    container.model_source.override(FakeModelSource({MODEL.path: b"weights"}))
    container.model_registry().refresh()
    return container
