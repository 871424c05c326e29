"""`DELETE /v1/jobs/{id}?forget=true` removes a finished job and its pictures."""

import pytest
from werkzeug.test import TestResponse

from tests.http.conftest import AUTHORIZED, OTHERS, Service, infer_body
from tests.http.helpers import assert_problem, occupy_device, wrong_fields


def delete(service: Service, job_id: object, query: str = "?forget=true") -> TestResponse:
    return service.client.delete(f"/v1/jobs/{job_id}{query}", headers=AUTHORIZED)


def drawn(service: Service, **changes: object) -> dict[str, object]:
    body = infer_body(**changes)
    assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 200
    return body


def test_a_finished_job_is_deleted_with_its_pictures(service: Service) -> None:
    body = drawn(service, num_images=2)
    kept = drawn(service)
    assert len(service.results.files) == 2
    response = delete(service, body["id"])
    assert (response.status_code, response.get_data()) == (204, b"")
    for path in ("", "/images/0", "/events"):
        response = service.client.get(f"/v1/jobs/{body['id']}{path}", headers=AUTHORIZED)
        assert_problem(response, 404, "job_not_found")
    assert_problem(delete(service, body["id"]), 404, "job_not_found")
    listed = service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["jobs"]
    assert [job["id"] for job in listed] == [kept["id"]]
    assert len(service.results.files) == len(service.jobs.jobs) == 1


def test_the_same_request_is_drawn_again_afterwards(service: Service) -> None:
    body = drawn(service)
    delete(service, body["id"])
    changed = body | {"prompt": "another"}
    assert service.client.post("/v1/infer", json=changed, headers=AUTHORIZED).status_code == 200
    assert len(service.generator.drawn) == 2


@pytest.mark.parametrize("query", ["", "?forget=false"])
def test_without_forget_a_late_cancel_deletes_nothing(service: Service, query: str) -> None:
    body = drawn(service)
    assert delete(service, body["id"], query).get_json()["status"] == "succeeded"
    address = f"/v1/jobs/{body['id']}/images/0"
    assert service.client.get(address, headers=AUTHORIZED).status_code == 200


def test_an_unfinished_job_is_not_deleted(service: Service) -> None:
    occupy_device(service)
    body = infer_body()
    service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
    detail = assert_problem(delete(service, body["id"]), 409, "job_running")["detail"]
    assert "queued" in detail
    assert delete(service, body["id"], "").status_code == 200
    assert delete(service, body["id"]).status_code == 204


def test_a_failed_job_can_be_deleted(service: Service) -> None:
    service.generator.failures = [RuntimeError("broken")]
    body = infer_body()
    assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 500
    assert delete(service, body["id"]).status_code == 204


def test_no_caller_deletes_the_jobs_of_another(service: Service) -> None:
    body = drawn(service)
    response = service.client.delete(f"/v1/jobs/{body['id']}?forget=true", headers=OTHERS)
    assert_problem(response, 404, "job_not_found")
    assert len(service.results.files) == 1


def test_a_failing_store_loses_nothing(service: Service) -> None:
    body = drawn(service)
    service.jobs.broken = True
    assert_problem(delete(service, body["id"]), 503, "storage_unavailable")
    service.jobs.broken = False
    assert len(service.results.files) == 1
    assert delete(service, body["id"]).status_code == 204


@pytest.mark.parametrize("word", ["yes", "1", "", "TRUE"])
def test_another_value_is_refused(shared: Service, word: str) -> None:
    assert "true or false" in wrong_fields(delete(shared, "x", f"?forget={word}"))["forget"]
