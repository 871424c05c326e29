"""GET /v1/jobs: pages of a caller's jobs."""

import itertools

import pytest

from tests.http.conftest import AUTHORIZED, OTHERS, Service, infer_body, make_service, make_settings
from tests.http.helpers import wrong_fields


@pytest.fixture(scope="module")
def service() -> Service:
    """A service with 25 jobs of one caller: j0 succeeded, j1 is cancelled, the others wait."""
    service = make_service(make_settings(max_queue=99))
    for number in range(25):
        service.client.post("/v1/jobs", json=infer_body(id=f"j{number}"), headers=AUTHORIZED)
        if number == 0:
            service.container.job_service().run_once()
        if number == 1:
            service.client.delete("/v1/jobs/j1", headers=AUTHORIZED)
    service.client.post("/v1/jobs", json=infer_body(id="theirs"), headers=OTHERS)
    return service


def listed(service: Service, **query: object) -> tuple[list[str], str | None]:
    response = service.client.get("/v1/jobs", query_string=query, headers=AUTHORIZED)
    assert response.status_code == 200
    body = response.get_json()
    assert set(body) == {"jobs", "count", "next_cursor"}
    assert body["count"] == len(body["jobs"])
    return [job["id"] for job in body["jobs"]], body["next_cursor"]


def test_the_newest_come_first_in_pages_of_twenty(service: Service) -> None:
    names, cursor = listed(service)
    assert names == [f"j{number}" for number in range(24, 4, -1)]
    assert cursor is not None
    assert cursor.isalnum()
    assert listed(service, cursor=cursor) == (["j4", "j3", "j2", "j1", "j0"], None)


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 100])
def test_the_pages_together_contain_every_job_once(service: Service, limit: int) -> None:
    found: list[str] = []
    names, cursor = listed(service, limit=limit)
    for _ in itertools.count():
        assert 0 < len(names) <= limit
        found += names
        if cursor is None:
            break
        names, cursor = listed(service, limit=limit, cursor=cursor)
    assert found == [f"j{number}" for number in range(24, -1, -1)]


def test_a_job_looks_the_same_in_the_list_and_alone(service: Service) -> None:
    response = service.client.get("/v1/jobs?limit=100", headers=AUTHORIZED)
    for job in response.get_json()["jobs"]:
        assert service.client.get(f"/v1/jobs/{job['id']}", headers=AUTHORIZED).get_json() == job


@pytest.mark.parametrize(
    "status, names", [("succeeded", ["j0"]), ("cancelled", ["j1"]), ("running", []), ("failed", [])]
)
def test_a_status_filters_the_jobs(service: Service, status: str, names: list[str]) -> None:
    assert listed(service, status=status) == (names, None)


def test_a_page_continues_with_the_status_of_the_first(service: Service) -> None:
    names, cursor = listed(service, status="queued", limit=22)
    assert len(names) == 22
    assert cursor is not None
    assert listed(service, status="queued", cursor=cursor) == (["j2"], None)


@pytest.mark.parametrize(
    "field, value",
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "ten"),
        ("limit", ""),
        ("limit", " 5"),
        ("limit", "1_0"),
        ("limit", "\u0663"),
        ("limit", "9" * 5000),
        ("status", "done"),
        ("status", ""),
        ("status", "QUEUED"),
        ("cursor", ""),
        ("cursor", "x"),
        ("cursor", "5"),
        ("cursor", "j"),
        ("cursor", "j05"),
        ("cursor", "jA"),
        ("cursor", "j-1"),
        ("cursor", "j" + "f" * 16),
        ("cursor", "j" + "f" * 5000),
        ("cursor", "j5\n"),
    ],
)
def test_an_invalid_query_is_named(service: Service, field: str, value: str) -> None:
    query = {field: value}
    response = service.client.get("/v1/jobs", query_string=query, headers=AUTHORIZED)
    assert set(wrong_fields(response)) == {field}


def test_all_errors_are_named_at_once(service: Service) -> None:
    response = service.client.get("/v1/jobs?limit=0&status=x&cursor=y", headers=AUTHORIZED)
    assert set(wrong_fields(response)) == {"limit", "status", "cursor"}


def test_a_caller_without_jobs_has_an_empty_list() -> None:
    assert listed(make_service(make_settings())) == ([], None)
