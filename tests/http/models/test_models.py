"""GET /v1/models and /v1/models/{id}."""

import hashlib

import pytest
from flask.testing import FlaskClient

from tests.http.conftest import AUTHORIZED, MODEL, Service, make_service, make_settings
from tests.http.helpers import assert_problem

BASE_FIELDS = ("id", "name", "size", "path", "extension")
FILES = {
    "ai-models/sub/z.PT": b"zz",
    "ai-models/model1.ckpt": b"first",
    "ai-models/a b é.safetensors": b"third model",
}


@pytest.fixture(scope="module")
def library() -> FlaskClient:
    service = make_service(make_settings())
    service.source.files = dict(FILES)
    service.container.model_registry().refresh()
    return service.client


def test_the_list_has_every_model_with_its_base_fields(library: FlaskClient) -> None:
    response = library.get("/v1/models", headers=AUTHORIZED)
    assert (response.status_code, response.content_type) == (200, "application/json")
    answer = response.get_json()
    assert answer["count"] == 3
    assert [{name: model[name] for name in BASE_FIELDS} for model in answer["models"]] == [
        {
            "id": hashlib.sha256(FILES[path]).hexdigest(),
            "name": path.rpartition("/")[2],
            "size": len(FILES[path]),
            "path": path,
            "extension": extension,
        }
        for path, extension in (
            ("ai-models/a b é.safetensors", ".safetensors"),
            ("ai-models/model1.ckpt", ".ckpt"),
            ("ai-models/sub/z.PT", ".pt"),
        )
    ]


def test_a_single_model_is_the_same_as_in_the_list(library: FlaskClient) -> None:
    for model in library.get("/v1/models", headers=AUTHORIZED).get_json()["models"]:
        for spelling in (model["id"], model["id"].upper(), model["id"].title()):
            response = library.get(f"/v1/models/{spelling}", headers=AUTHORIZED)
            assert (response.status_code, response.get_json()) == (200, model)


@pytest.mark.parametrize(
    "model_id",
    [
        "0" * 64,
        MODEL.id[:-1],
        MODEL.id + "0",
        MODEL.id[:10],
        "a.safetensors",
        "..",
        "%00",
        "é",
        "%ff",
    ],
)
def test_an_unknown_id_is_not_found(shared: Service, model_id: str) -> None:
    response = shared.client.get(f"/v1/models/{model_id}", headers=AUTHORIZED)
    detail = assert_problem(response, 404, "model_not_found")["detail"]
    assert "GET /v1/models" in detail


def test_the_unknown_id_is_named(shared: Service) -> None:
    response = shared.client.get(f"/v1/models/{'0' * 64}", headers=AUTHORIZED)
    assert "0" * 64 in response.get_json()["detail"]


def test_without_models_the_list_is_empty() -> None:
    for scanned in (True, False):
        service = make_service(make_settings(), scanned=scanned)
        service.source.files = {}
        if scanned:
            service.container.model_registry().refresh()
        answer = service.client.get("/v1/models", headers=AUTHORIZED).get_json()
        assert (answer["models"], answer["count"]) == ([], 0)


def test_the_list_follows_the_folders() -> None:
    service = make_service(make_settings())
    service.source.files = {"ai-models/new.ckpt": b"new"}
    service.container.model_registry().refresh()
    (model,) = service.client.get("/v1/models", headers=AUTHORIZED).get_json()["models"]
    assert model["name"] == "new.ckpt"
    gone = service.client.get(f"/v1/models/{MODEL.id}", headers=AUTHORIZED)
    assert_problem(gone, 404, "model_not_found")
