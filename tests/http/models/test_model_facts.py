"""What /v1/models says of a model besides the base fields, and what follows from it."""

import dataclasses
import json

from domain.errors import ModelChanged
from domain.models.card import ModelCard
from domain.models.record import ModelFamily, ModelKind, PendingModel, PendingState
from tests.fakes.model_source import model_record
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body, make_service, make_settings
from tests.http.helpers import assert_problem

LORA = dataclasses.replace(
    model_record(b"lora", "models/lora.safetensors"),
    kind=ModelKind.LORA,
    family=ModelFamily.SDXL,
    base=ModelFamily.SDXL,
    rank=16,
    trigger_words=("papercut", "a sheet of paper"),
    is_companion=True,
    precision="float16",
    reason="it is a LoRA, which changes a checkpoint; choose a checkpoint",
)


def service_with_a_lora() -> Service:
    service = make_service(make_settings())
    service.source.others = (LORA,)
    service.container.model_registry().refresh()
    return service


def test_a_model_has_its_facts_and_whether_it_can_draw() -> None:
    client = service_with_a_lora().client
    checkpoint = client.get(f"/v1/models/{MODEL.id}", headers=AUTHORIZED).get_json()
    assert (checkpoint["kind"], checkpoint["loadable"]) == ("checkpoint", True)
    assert (checkpoint["family"], checkpoint["reason"]) == (None, None)
    lora = client.get(f"/v1/models/{LORA.id}", headers=AUTHORIZED).get_json()
    assert (lora["kind"], lora["family"], lora["loadable"]) == ("lora", "sdxl", False)
    assert (lora["precision"], lora["reason"]) == ("float16", LORA.reason)
    assert (lora["base"], lora["rank"], lora["usable"]) == ("sdxl", 16, True)
    assert lora["trigger_words"] == ["papercut", "a sheet of paper"]
    assert (checkpoint["base"], checkpoint["rank"], checkpoint["trigger_words"]) == (None, None, [])


def test_the_same_bytes_twice_are_one_model_with_aliases() -> None:
    service = make_service(make_settings())
    service.source.files = {"m/b.pt": b"same", "m/a.pt": b"same", "m/c.pt": b"same"}
    service.container.model_registry().refresh()
    answer = service.client.get("/v1/models", headers=AUTHORIZED).get_json()
    assert answer["count"] == 1
    assert answer["models"][0]["path"] == "m/a.pt"
    assert answer["models"][0]["aliases"] == ["m/b.pt", "m/c.pt"]


def test_models_can_be_filtered_by_kind() -> None:
    client = service_with_a_lora().client
    for kind, ids in (("checkpoint", [MODEL.id]), ("lora", [LORA.id]), ("vae", [])):
        answer = client.get(f"/v1/models?kind={kind}", headers=AUTHORIZED).get_json()
        assert [model["id"] for model in answer["models"]] == ids
        assert answer["count"] == len(ids)


def test_an_unknown_kind_is_named() -> None:
    response = service_with_a_lora().client.get("/v1/models?kind=picture", headers=AUTHORIZED)
    (row,) = assert_problem(response, 422, "invalid_request")["errors"]
    assert row["field"] == "kind"
    assert "checkpoint" in row["message"]


def test_incoming_files_are_pending() -> None:
    service = make_service(make_settings())
    assert service.client.get("/v1/models", headers=AUTHORIZED).get_json()["pending"] == []
    service.source.pending = (
        PendingModel("b.pt", "models/b.pt", 100, PendingState.HASHING, 40),
        PendingModel("a.pt", "models/a.pt", 7, PendingState.SETTLING, reason="it is cut"),
    )
    service.container.model_registry().look()
    assert service.client.get("/v1/models", headers=AUTHORIZED).get_json()["pending"] == [
        {"name": "a.pt", "path": "models/a.pt", "size": 7, "state": "settling", "hashed": 0}
        | {"reason": "it is cut"},
        {"name": "b.pt", "path": "models/b.pt", "size": 100, "state": "hashing", "hashed": 40}
        | {"reason": None},
    ]


def test_an_unusable_model_is_refused_before_the_queue() -> None:
    service = service_with_a_lora()
    response = service.client.post(
        "/v1/infer", json=infer_body(model_id=LORA.id), headers=AUTHORIZED
    )
    problem = assert_problem(response, 422, "model_not_loadable")
    assert problem["detail"].endswith(LORA.reason or "")
    assert service.container.job_service().waiting == 0


def test_a_changed_file_is_refused_and_no_longer_listed(service: Service) -> None:
    service.generator.failures = [ModelChanged(MODEL.name)]
    # The scanner must not find it again between the two requests.
    service.source.files = {}
    response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert_problem(response, 422, "model_changed")
    service.container.model_registry().refresh()
    response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert_problem(response, 404, "model_not_found")


def test_a_model_describes_what_it_draws() -> None:
    service = make_service(make_settings())
    card = ModelCard("Flat shapes.", ("a red circle", "a lake"), ("red", "circle", "lake"))
    service.source.files = {"m/silent.pt": b"silent"}
    service.source.others = (dataclasses.replace(MODEL, card=card),)
    service.container.model_registry().refresh()
    models = service.client.get("/v1/models", headers=AUTHORIZED).get_json()["models"]
    told = {
        each["name"]: (each["description"], each["sample_prompts"], each["known_words"])
        for each in models
    }
    assert told == {
        MODEL.name: ("Flat shapes.", ["a red circle", "a lake"], ["red", "circle", "lake"]),
        "silent.pt": (None, [], []),
    }


def test_every_api_with_warnings_reports_a_prompt_without_known_words(
    service: Service,
) -> None:
    service.source.files = {}
    service.source.others = (dataclasses.replace(MODEL, card=ModelCard(known_words=("lake",))),)
    service.container.model_registry().refresh()
    client, body = service.client, infer_body(prompt="a cat")
    (warning,) = client.post("/v1/infer", json=body, headers=AUTHORIZED).get_json()["warnings"]
    assert "knows no word of the prompt" in warning
    again = client.post("/v1/infer", json=body, headers=AUTHORIZED)
    assert again.get_json()["warnings"] == [warning]
    job = client.get(f"/v1/jobs/{body['id']}", headers=AUTHORIZED).get_json()
    assert job["warnings"] == [warning]
    web_ui = client.post("/sdapi/v1/txt2img", json={"prompt": "a cat"}, headers=AUTHORIZED)
    assert json.loads(web_ui.get_json()["info"])["warnings"] == [warning]
    known = infer_body(prompt="a lake")
    assert client.post("/v1/infer", json=known, headers=AUTHORIZED).get_json()["warnings"] == []
