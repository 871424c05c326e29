"""Failing requests to POST /v1/infer."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain import errors
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body, make_service, make_settings
from tests.http.helpers import assert_problem, fill_queue, occupy_device

UNKNOWN = "0" * 64
ROUTES = ("/v1/infer", "/infer")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "failure, status, code",
    [
        (errors.ModelNotLoadable("its header is cut off", "a.ckpt"), 422, "model_not_loadable"),
        (errors.OutOfMemory("drawing 1024x1024 pixels", "cpu"), 507, "out_of_memory"),
        (errors.GenerationFailed("NaN in float16", "float16"), 500, "generation_failed"),
        (errors.DeviceUnavailable("it is away", ("cpu",)), 503, "device_unavailable"),
        (errors.ModelNotFound(UNKNOWN), 404, "model_not_found"),
    ],
)
def test_each_failure_has_its_status_and_its_reason(
    shared: Service, failure: errors.DomainError, status: int, code: str, route: str
) -> None:
    shared.generator.drawn.clear()
    shared.generator.failures.append(failure)
    response = shared.client.post(route, json=infer_body(), headers=AUTHORIZED)
    assert assert_problem(response, status, code)["detail"].startswith(str(failure))
    assert shared.generator.drawn == []
    again = shared.client.post(route, json=infer_body(), headers=AUTHORIZED)
    assert again.status_code == 200


def test_a_model_that_cannot_be_loaded_is_named_with_the_reason(service: Service) -> None:
    service.generator.unloadable.add(MODEL.id)
    response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    detail = assert_problem(response, 422, "model_not_loadable")["detail"]
    assert MODEL.id in detail


def test_a_failed_job_says_what_the_client_that_waited_was_told(shared: Service) -> None:
    shared.generator.failures.append(errors.OutOfMemory("drawing", "cpu"))
    body = infer_body()
    waited = shared.client.post("/v1/infer", json=body, headers=AUTHORIZED)
    told = assert_problem(waited, 507, "out_of_memory")["detail"]
    assert "ask for a smaller width and height or fewer images" in told
    job = shared.client.get(f"/v1/jobs/{body['id']}", headers=AUTHORIZED).get_json()
    assert job["error"]["detail"] == told


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_model_is_not_found_and_named(shared: Service, route: str) -> None:
    body = infer_body(model_id=UNKNOWN.upper())
    response = shared.client.post(route, json=body, headers=AUTHORIZED)
    assert UNKNOWN in assert_problem(response, 404, "model_not_found")["detail"]


def test_a_removed_model_is_not_found(service: Service) -> None:
    service.source.files.clear()
    service.container.model_registry().refresh()
    response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert_problem(response, 404, "model_not_found")
    assert service.generator.drawn == []


def test_a_model_whose_folder_is_away_asks_for_a_retry(service: Service) -> None:
    service.source.away = {"models"}
    service.container.model_registry().refresh()
    response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert MODEL.id in assert_problem(response, 503, "models_not_read")["detail"]
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("route", ROUTES)
def test_a_full_queue_is_a_503_with_the_time_of_a_retry(service: Service, route: str) -> None:
    occupy_device(service)
    fill_queue(service)
    response = service.client.post(route, json=infer_body(), headers=AUTHORIZED)
    detail = assert_problem(response, 503, "queue_full")["detail"]
    assert "2 jobs are already waiting" in detail
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Retry-After"] in detail
    assert service.container.job_service().waiting == 2


def test_an_invalid_request_is_reported_before_the_queue_is_checked(service: Service) -> None:
    occupy_device(service)
    fill_queue(service)
    cases = [
        (infer_body(model_id=UNKNOWN), AUTHORIZED, 404, "model_not_found"),
        (infer_body(width=1), AUTHORIZED, 422, "invalid_request"),
        (infer_body(), {}, 401, "unauthenticated"),
    ]
    for body, headers, status, code in cases:
        response = service.client.post("/v1/infer", json=body, headers=headers)
        assert_problem(response, status, code)
    assert service.generator.drawn == []


def test_everything_but_pictures_answers_while_every_slot_is_busy(service: Service) -> None:
    running = occupy_device(service)
    fill_queue(service)
    for path in ("/", "/v1", "/health", "/v1/health", "/v1/models", f"/v1/models/{MODEL.id}"):
        assert service.client.get(path, headers=AUTHORIZED).status_code == 200
    assert service.client.post("/v1/tokens", headers=AUTHORIZED).status_code == 201
    assert_problem(service.client.get("/health/ready"), 503, "not_ready")
    assert not running.view.job.status.finished


def test_a_waiting_request_is_drawn_when_the_device_is_free(service: Service) -> None:
    service.generator.gate.clear()
    client = service.container.app().test_client()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(client.post, "/v1/infer", json=infer_body(seed=1), headers=AUTHORIZED)
        assert service.generator.began.wait(10)
        assert service.client.get("/health").status_code == 200
        assert not waits.done()
        service.generator.gate.set()
        assert waits.result(timeout=10).status_code == 200
    assert [request.seed for request in service.generator.drawn] == [1]


def test_a_full_queue_accepts_again_once_there_is_room(service: Service) -> None:
    accepted = [occupy_device(service), *fill_queue(service)]
    refused = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert refused.status_code == 503
    service.generator.gate.set()
    assert all(job.wait(10).images for job in accepted)
    response = service.client.post("/v1/infer", json=infer_body(id="r1"), headers=AUTHORIZED)
    assert response.status_code == 200
    drawn = [request.id for request in service.generator.drawn]
    assert drawn == ["running", "waits-0", "waits-1", "r1"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_stopping_service_accepts_no_new_request(route: str) -> None:
    service = make_service(make_settings())
    service.container.job_service().drain()
    response = service.client.post(route, json=infer_body(), headers=AUTHORIZED)
    assert_problem(response, 503, "shutting_down")
    assert int(response.headers["Retry-After"]) >= 1
    assert service.generator.drawn == []
    assert service.client.get("/v1/models", headers=AUTHORIZED).status_code == 200


def test_a_stopping_service_finishes_its_drawing(service: Service) -> None:
    running = occupy_device(service)
    service.container.job_service().drain()
    refused = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert_problem(refused, 503, "shutting_down")
    service.generator.gate.set()
    assert running.wait(10).images


def test_an_error_without_a_useful_retry_has_no_retry_time(service: Service) -> None:
    service.generator.failures.append(errors.OutOfMemory("ask for a smaller picture"))
    response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert response.status_code == 507
    assert "Retry-After" not in response.headers
