"""`/v1/infer` and `/v1/jobs` accept any name of a model, and a job keeps the model it was given."""

import pytest
from werkzeug.test import TestResponse

from domain.models.record import PendingModel, PendingState
from tests.fakes.model_source import model_record
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    Service,
    infer_body,
    make_settings,
    running_service,
)
from tests.http.helpers import assert_problem, occupy_device

OTHER = model_record(b"other", MODEL.path)


def post(service: Service, body: dict[str, object], path: str = "/v1/infer") -> TestResponse:
    return service.client.post(path, json=body, headers=AUTHORIZED)


def replace_model(service: Service) -> None:
    """Replace the bytes of MODEL's file."""
    service.source.files = {MODEL.path: b"other"}
    service.container.model_registry().refresh()


@pytest.mark.parametrize("path", ["/v1/infer", "/infer", "/v1/jobs"])
@pytest.mark.parametrize("name", [MODEL.id.upper(), MODEL.id[:10], MODEL.path, MODEL.name, "a"])
def test_a_model_has_many_names_and_the_answer_has_its_id(
    shared: Service, path: str, name: str
) -> None:
    body = infer_body(model_id=name)
    answer = post(shared, body, path).get_json()
    assert answer.get("request", answer)["model_id"] == MODEL.id
    job = shared.client.get(f"/v1/jobs/{body['id']}", headers=AUTHORIZED).get_json()
    assert job["request"]["model_id"] == MODEL.id


@pytest.mark.parametrize("names", [("a", MODEL.id), (MODEL.id, "a"), ("a", MODEL.name)])
def test_the_same_model_by_another_name_is_the_same_request(
    service: Service, names: tuple[str, str]
) -> None:
    first, second = names
    body = infer_body(model_id=first)
    answer = post(service, body).get_json()
    assert post(service, body | {"model_id": second}).get_json() == answer
    assert len(service.generator.drawn) == 1


@pytest.mark.parametrize("name", ["a", MODEL.id])
def test_a_finished_job_is_answered_again_even_if_its_model_is_gone(
    service: Service, name: str
) -> None:
    body = infer_body(model_id=name)
    answer = post(service, body).get_json()
    service.source.files.clear()
    service.container.model_registry().refresh()
    assert post(service, body).get_json() == answer
    assert_problem(post(service, infer_body(model_id=name)), 404, "model_not_found")


def test_a_name_keeps_its_meaning_from_when_the_job_was_accepted(service: Service) -> None:
    body = infer_body(model_id="a")
    answer = post(service, body).get_json()
    replace_model(service)
    assert post(service, body).get_json() == answer
    assert post(service, infer_body(model_id="a")).get_json()["model_id"] == OTHER.id
    assert_problem(post(service, body | {"model_id": MODEL.name}), 409, "id_conflict")


def test_a_cancelled_job_that_is_sent_again_uses_the_current_meaning_of_the_name(
    service: Service,
) -> None:
    occupy_device(service)
    body = infer_body(model_id="a")
    post(service, body, "/v1/jobs")
    service.client.delete(f"/v1/jobs/{body['id']}", headers=AUTHORIZED)
    replace_model(service)
    service.generator.gate.set()
    answer = post(service, body)
    assert answer.get_json()["model_id"] == OTHER.id


def test_an_ambiguous_name_is_reported_with_both_models(service: Service) -> None:
    service.source.files["models/b/a.ckpt"] = b"b"
    service.container.model_registry().refresh()
    detail = assert_problem(post(service, infer_body(model_id="a")), 404, "model_not_found")
    assert MODEL.path in detail["detail"]
    assert "models/b/a.ckpt" in detail["detail"]


def test_a_name_may_appear_while_its_file_is_read(service: Service) -> None:
    service.source.pending = (PendingModel("n.pt", "models/n.pt", 5, PendingState.HASHING),)
    service.container.model_registry().refresh()
    response = post(service, infer_body(model_id="n"))
    assert_problem(response, 503, "models_not_read")
    assert int(response.headers["Retry-After"]) >= 1
    assert_problem(post(service, infer_body(model_id="typo")), 404, "model_not_found")


@pytest.mark.parametrize("model", ["gpt-image-1", None])
def test_the_openai_api_accepts_aliases_and_the_default(model: str | None) -> None:
    settings = make_settings(default_model="z", model_aliases=(("gpt-image-1", "z"),))
    with running_service(settings) as service:
        service.source.files["models/z.ckpt"] = b"z"
        service.container.model_registry().refresh()
        body: dict[str, object] = {"model": model, "prompt": "p", "size": "256x256"}
        response = post(service, body, "/openai/v1/images/generations")
        assert response.status_code == 200
        assert service.generator.drawn[-1].model_id == model_record(b"z", "models/z.ckpt").id


@pytest.mark.parametrize(
    ("body", "message"), [({}, "default model 'z'"), ({"model": "x"}, "'x', which stands for 'y'")]
)
def test_a_default_or_an_alias_without_a_model_is_404_with_its_name(
    body: dict[str, object], message: str
) -> None:
    settings = make_settings(default_model="z", model_aliases=(("x", "y"),))
    with running_service(settings) as service:
        response = post(service, {"prompt": "p", **body}, "/openai/v1/images/generations")
        assert (response.status_code, service.generator.drawn) == (404, [])
        assert message in response.get_json()["error"]["message"]


def test_without_any_model_the_openai_api_says_how_to_get_one(service: Service) -> None:
    service.source.files.clear()
    service.container.model_registry().refresh()
    response = post(service, {"prompt": "p"}, "/openai/v1/images/generations")
    error = response.get_json()["error"]
    assert (response.status_code, error["code"]) == (404, "no_model")
    assert "put a checkpoint" in error["message"]
