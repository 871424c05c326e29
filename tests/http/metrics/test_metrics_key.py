"""METRICS_KEY: a key that may only read /metrics."""

import re

import pytest

from tests.http.automatic1111.sdapi import basic
from tests.http.conftest import (
    AUTHORIZED,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.description.documented import Document
from tests.http.helpers import assert_problem, bearer

METRICS_KEY = "Gh6Js0Tyq7Jw0Zr2Vt9X"
READER = bearer(METRICS_KEY)


@pytest.fixture(scope="module")
def service() -> Service:
    return make_service(make_settings(metrics_key=METRICS_KEY))


def test_it_reads_the_metrics(service: Service) -> None:
    response = service.client.get("/metrics", headers=READER)
    assert response.status_code == 200
    assert "ai_inference_queue_jobs" in response.get_data(as_text=True)


def test_it_opens_no_other_route(service: Service) -> None:
    operations = Document(service.container.app()).operations()
    closed = [(how, path) for how, path, said in operations if said["security"]]
    assert len(closed) > 20
    for method, path in closed:
        if path != "/metrics":
            address = re.sub(r"{\w+}", "1", path)
            response = service.client.open(address, method=method, headers=READER)
            assert (path, response.status_code) == (path, 403)


def test_it_draws_nothing(service: Service) -> None:
    response = service.client.post("/v1/jobs", json=infer_body(), headers=READER)
    assert_problem(response, 403, "insufficient_scope")
    assert service.jobs.jobs == {}


def test_as_a_password_it_opens_nothing_either(service: Service) -> None:
    response = service.client.get("/sdapi/v1/sd-models", headers=basic(METRICS_KEY))
    assert response.status_code == 403


def test_it_mints_no_token(service: Service) -> None:
    response = service.client.post("/v1/tokens", headers=READER)
    assert_problem(response, 403, "token_minting_forbidden")


def test_other_credentials_still_read_the_metrics(service: Service) -> None:
    assert service.client.get("/metrics", headers=AUTHORIZED).status_code == 200
    assert_problem(service.client.get("/metrics"), 401, "unauthenticated")
    wrong = bearer(METRICS_KEY[:-1])
    assert_problem(service.client.get("/metrics", headers=wrong), 401, "unauthenticated")


def test_without_a_metrics_key_no_key_is_accepted_as_one() -> None:
    client = make_service(make_settings()).client
    for credential in (METRICS_KEY, "", "None"):
        response = client.get("/metrics", headers=bearer(credential))
        assert_problem(response, 401, "unauthenticated")
