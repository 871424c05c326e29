"""The id of a request is an idempotency key: the same request again is the same job."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.errors import OutOfMemory
from tests.http.conftest import AUTHORIZED, MODEL, OTHERS, Service, infer_body
from tests.http.helpers import assert_problem, bearer, make_token

ROUTES = ("/v1/infer", "/infer", "/v1/jobs")


def post(
    client: FlaskClient,
    body: dict[str, object],
    route: str = "/v1/infer",
    headers: dict[str, str] = AUTHORIZED,
) -> TestResponse:
    return client.post(route, json=body, headers=headers)


def test_the_same_request_again_gives_the_same_bytes_and_draws_nothing(service: Service) -> None:
    body = infer_body(num_images=2)
    first = post(service.client, body)
    assert first.status_code == 200
    for route in ("/v1/infer", "/infer"):
        again = post(service.client, body, route)
        assert (again.status_code, again.data) == (200, first.data)
    assert len(service.generator.drawn) == 1


@pytest.mark.parametrize(
    "spelling",
    [
        {"width": 512, "height": 512, "num_images": 1},
        {"num_inference_steps": 30, "guidance_scale": 7.5},
        {"negative_prompt": None, "seed": None},
        {"model_id": MODEL.id.upper()},
    ],
)
def test_an_explicit_default_is_the_same_request(
    service: Service, spelling: dict[str, object]
) -> None:
    body = infer_body()
    first = post(service.client, body)
    assert post(service.client, body | spelling).data == first.data


def test_a_random_seed_belongs_to_the_id(service: Service) -> None:
    body = infer_body()
    first = post(service.client, body)
    seed = first.get_json()["images"][0]["seed"]
    assert post(service.client, body).data == first.data
    assert post(service.client, body | {"seed": seed}).data == first.data
    assert_problem(post(service.client, body | {"seed": seed + 1}), 409, "id_conflict")


def test_a_conflict_names_the_fields_that_differ(service: Service) -> None:
    body = infer_body()
    post(service.client, body)
    other = post(service.client, body | {"prompt": "another", "num_inference_steps": 2})
    detail = assert_problem(other, 409, "id_conflict")["detail"]
    assert "with another prompt, num_inference_steps;" in detail
    assert "seed" not in detail, "it was drawn for the job, and this body names none either"
    assert "Accept" not in detail


def test_the_format_that_accept_chose_belongs_to_the_id(service: Service) -> None:
    body = infer_body()
    first = post(service.client, body)
    accepting = AUTHORIZED | {"Accept": "image/jpeg"}
    other = service.client.post("/v1/infer", json=body, headers=accepting)
    detail = assert_problem(other, 409, "id_conflict")["detail"]
    assert "another output_format" in detail
    assert "output_format 'png'" in detail
    again = service.client.post(
        "/v1/infer", json=body | {"output_format": "png"}, headers={**AUTHORIZED}
    )
    assert again.data == first.data


def test_an_integer_guidance_is_the_same_number(service: Service) -> None:
    body = infer_body(guidance_scale=7)
    assert (
        post(service.client, body).data == post(service.client, body | {"guidance_scale": 7.0}).data
    )


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "another"},
        {"negative_prompt": ""},
        {"num_inference_steps": 31},
        {"guidance_scale": 7.6},
        {"width": 520},
        {"height": 520},
        {"seed": 5},
        {"num_images": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_request_with_the_id_is_a_conflict_and_the_first_stays(
    shared: Service, route: str, change: dict[str, object]
) -> None:
    body = infer_body(seed=4)
    first = post(shared.client, body)
    answer = post(shared.client, body | change, route)
    assert str(body["id"]) in assert_problem(answer, 409, "id_conflict")["detail"]
    assert post(shared.client, body).data == first.data


def test_a_conflict_is_reported_while_the_first_is_drawn_too(service: Service) -> None:
    service.generator.gate.clear()
    body = infer_body()
    assert post(service.client, body, "/v1/jobs").status_code == 202
    for route in ROUTES:
        other = post(service.client, body | {"prompt": "another"}, route)
        assert_problem(other, 409, "id_conflict")
    assert post(service.client, body, "/v1/jobs").status_code == 202
    service.generator.gate.set()
    assert post(service.client, body).get_json()["prompt"] == "a red circle"


def test_ids_of_another_caller_are_separate(service: Service) -> None:
    body = infer_body(seed=1)
    other = body | {"prompt": "another"}
    first = post(service.client, body)
    for headers in (OTHERS, bearer(make_token())):
        theirs = post(service.client, other, headers=headers)
        assert (theirs.status_code, theirs.get_json()["prompt"]) == (200, "another")
    assert post(service.client, body).data == first.data
    assert len(service.generator.drawn) == 3


def test_a_key_and_its_tokens_share_their_ids(service: Service) -> None:
    body = infer_body()
    first = post(service.client, body)
    minted = service.client.post("/v1/tokens", headers=AUTHORIZED).get_json()["access_token"]
    assert post(service.client, body, headers=bearer(minted)).data == first.data
    assert len(service.generator.drawn) == 1


@pytest.mark.parametrize("route", ["/v1/infer", "/v1/jobs"])
def test_eight_equal_requests_at_once_draw_one_picture(service: Service, route: str) -> None:
    service.generator.gate.clear()
    body = infer_body()
    clients = [service.container.app().test_client() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(post, client, body, route) for client in clients]
        assert service.generator.began.wait(10)
        service.generator.gate.set()
        answers = [call.result(20) for call in calls]
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({post(client, body).data for client in clients}) == 1
    if route == "/v1/infer":
        assert len({answer.data for answer in answers}) == 1
    assert len(service.generator.drawn) == 1


def test_a_job_and_an_inference_with_one_id_are_one_job(service: Service) -> None:
    body = infer_body()
    assert post(service.client, body, "/v1/jobs").headers["Location"] == f"/v1/jobs/{body['id']}"
    inferred = post(service.client, body)
    assert inferred.status_code == 200
    finished = post(service.client, body, "/v1/jobs")
    assert (finished.status_code, finished.headers["Location"]) == (200, f"/v1/jobs/{body['id']}")
    job = finished.get_json()
    assert job["status"] == "succeeded"
    assert job["images"][0]["seed"] == inferred.get_json()["images"][0]["seed"]
    assert job["processing_time"] == inferred.get_json()["processing_time"]
    assert len(service.generator.drawn) == 1


def test_a_failed_id_may_be_sent_again_even_with_another_body(service: Service) -> None:
    body = infer_body()
    for prompt in ("a red circle", "another"):
        service.generator.failures.append(OutOfMemory("too large"))
        failed = post(service.client, body | {"prompt": prompt})
        assert_problem(failed, 507, "out_of_memory")
    assert post(service.client, body).status_code == 200
    assert len(service.generator.drawn) == 1


def test_a_cancelled_id_may_be_sent_again(service: Service) -> None:
    service.generator.gate.clear()
    post(service.client, infer_body(), "/v1/jobs")
    body = infer_body(id="again")
    post(service.client, body, "/v1/jobs")
    assert service.client.delete("/v1/jobs/again", headers=AUTHORIZED).status_code == 200
    again = post(service.client, body, "/v1/jobs")
    assert (again.status_code, again.get_json()["status"]) == (202, "queued")
    service.generator.gate.set()
    assert post(service.client, body).status_code == 200


def test_a_replay_works_if_the_queue_is_full_or_the_model_is_gone(service: Service) -> None:
    body = infer_body()
    first = post(service.client, body)
    service.source.files.clear()
    service.container.model_registry().refresh()
    assert post(service.client, body).data == first.data
    service.container.job_service().drain()
    assert post(service.client, body).data == first.data


def test_the_pictures_of_a_replay_are_the_stored_ones(service: Service) -> None:
    body = infer_body()
    first = post(service.client, body).get_json()
    (drawn,) = service.generator.drawn
    assert service.generator.drawn == [dataclasses.replace(drawn, id=str(body["id"]))]
    service.generator.drawn.clear()
    assert post(service.client, body).get_json() == first
    assert service.generator.drawn == []
