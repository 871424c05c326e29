"""The header Prefer: how it is parsed, and what /v1/infer does with it."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from adapters.http.edge.prefer import LONGEST_WAIT, Preference, parse_prefer
from tests.http.conftest import AUTHORIZED, Service, infer_body, make_service, make_settings
from tests.http.helpers import assert_problem

ROUTES = ("/v1/infer", "/infer")


@pytest.mark.parametrize(
    "header, expected",
    [
        ("", Preference()),
        ("respond-async", Preference(respond_async=True)),
        ("Respond-ASYNC", Preference(respond_async=True)),
        ('respond-async=""', Preference(respond_async=True)),
        ("respond-async; a=b", Preference(respond_async=True)),
        ("respond-async=no", Preference()),
        ("wait=10", Preference(wait=10)),
        ("WAIT = 10", Preference(wait=10)),
        ('wait="10"', Preference(wait=10)),
        ("wait=0", Preference(wait=0)),
        ("wait=007;x", Preference(wait=7)),
        ("wait", Preference()),
        ("wait=", Preference()),
        ("wait=-1", Preference()),
        ("wait=+1", Preference()),
        ("wait=1.5", Preference()),
        ("wait=1_0", Preference()),
        ("wait=ten", Preference()),
        ("wait=10 20", Preference()),
        ("wait=\u0663", Preference()),
        (f"wait={'9' * 1500}", Preference(wait=LONGEST_WAIT)),
        ("wait=100000", Preference(wait=LONGEST_WAIT)),
        ("wait=5, wait=6", Preference(wait=5)),
        ("wait=ten, wait=6", Preference()),
        ("handling=strict", Preference(strict=True)),
        ('Handling="STRICT"', Preference(strict=True)),
        ("handling=lenient, handling=strict", Preference()),
        ("handling=odd", Preference()),
        (", ,respond-async,,wait=3", Preference(respond_async=True, wait=3)),
        ('return=minimal; a="x, wait=1", wait=2', Preference(wait=2)),
        ('foo="a;b,respond-async"', Preference()),
        ('foo="\\", respond-async, "', Preference()),
        ('respond-async, foo="never closed', Preference()),
        ("=5, wait=2", Preference(wait=2)),
        ("a b, wait=2", Preference(wait=2)),
        (f"wait=1, x={'x' * 2000}", Preference()),
        ('"' * 1999, Preference()),
        ('\\"' * 999, Preference()),
    ],
)
def test_a_header_is_parsed(header: str, expected: Preference) -> None:
    assert parse_prefer([header]) == expected


def test_several_headers_are_one_list() -> None:
    assert parse_prefer([]) == Preference()
    said = parse_prefer(["wait=5", "respond-async, wait=6", "handling=strict"])
    assert said == Preference(respond_async=True, wait=5, strict=True)


@pytest.mark.parametrize(
    "preference, seconds, within",
    [
        (Preference(), None, None),
        (Preference(respond_async=True), 0, None),
        (Preference(wait=7), 7, None),
        (Preference(respond_async=True, wait=7), 7, None),
        (Preference(strict=True), None, None),
        (Preference(wait=7, strict=True), 7, 7),
    ],
)
def test_the_meaning_of_a_preference(
    preference: Preference, seconds: int | None, within: int | None
) -> None:
    assert (preference.seconds, preference.within) == (seconds, within)


def post(service: Service, prefer: str, route: str = ROUTES[0], **changes: object) -> TestResponse:
    headers = AUTHORIZED | {"Prefer": prefer}
    return service.client.post(route, json=infer_body(**changes), headers=headers)


@pytest.fixture
def idle() -> Service:
    """A service whose worker draws when a test says so."""
    return make_service(make_settings())


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "prefer, applied",
    [
        ("respond-async", "respond-async"),
        ("wait=0", "wait=0"),
        ("respond-async, wait=0", "respond-async, wait=0"),
        ("foo, respond-async, handling=strict", "respond-async"),
    ],
)
def test_a_client_that_does_not_wait_gets_the_job(
    idle: Service, route: str, prefer: str, applied: str
) -> None:
    response = post(idle, prefer, route, id="later")
    assert (response.status_code, response.content_type) == (202, "application/json")
    assert response.headers["Location"] == "/v1/jobs/later"
    assert response.headers["Preference-Applied"] == applied
    job = response.get_json()
    assert (job["id"], job["status"], job["position"]) == ("later", "queued", 1)
    assert idle.client.get("/v1/jobs/later", headers=AUTHORIZED).get_json() == job


@pytest.mark.parametrize(
    "prefer", ["wait=30", "respond-async, wait=30", "wait=30, handling=strict"]
)
def test_a_client_that_waits_long_enough_gets_the_pictures(shared: Service, prefer: str) -> None:
    response = post(shared, prefer)
    assert response.status_code == 200
    assert response.get_json()["images"]
    assert "wait=30" in response.headers["Preference-Applied"]
    assert "respond-async" not in response.headers["Preference-Applied"]
    assert "Location" not in response.headers


def test_other_values_change_nothing(shared: Service) -> None:
    response = post(shared, "wait=-5, return=minimal, respond-async=1")
    assert response.status_code == 200
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "wait=5", ""])
def test_a_finished_request_is_answered_in_full_at_once(shared: Service, prefer: str) -> None:
    body = infer_body(num_images=2)
    first = shared.client.post("/v1/infer", json=body, headers=AUTHORIZED)
    again = shared.client.post("/v1/infer", json=body, headers=AUTHORIZED | {"Prefer": prefer})
    assert (again.status_code, again.data) == (200, first.data)


@pytest.mark.parametrize(
    "change, status, code",
    [({"model_id": "0" * 64}, 404, "model_not_found"), ({"width": 1}, 422, "invalid_request")],
)
def test_errors_are_reported_whatever_the_preference(
    shared: Service, change: dict[str, Any], status: int, code: str
) -> None:
    assert_problem(post(shared, "respond-async", **change), status, code)
