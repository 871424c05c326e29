"""A model that consists of several files, in every API."""

import pytest

from domain.models.record import ModelKind, ModelRecord
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body
from tests.http.helpers import assert_problem
from tests.unit.sets.set_records import tree


@pytest.fixture
def flux(service: Service) -> ModelRecord:
    """The set of FLUX.1 in ComfyUI's tree."""
    service.source.others = tree()
    registry = service.container.model_registry()
    registry.refresh()
    return registry.resolve("flux")


def test_that_a_set_shows_its_files(service: Service, flux: ModelRecord) -> None:
    answer = service.client.get(f"/v1/models/{flux.id}", headers=AUTHORIZED).get_json()
    assert answer["members"] == [
        {"role": each.role, "id": each.id, "name": each.name} for each in flux.members
    ]
    assert (answer["kind"], answer["family"], answer["loadable"]) == ("checkpoint", "flux", True)
    assert answer["inputs"] == ["text", "image", "mask"]
    assert answer["native_size"] == {"width": 1024, "height": 1024}
    plain = service.client.get(f"/v1/models/{MODEL.id}", headers=AUTHORIZED).get_json()
    assert plain["members"] == []


@pytest.mark.parametrize("kind", ["diffusion_model", "text_encoder", "vae"])
def test_that_the_files_of_a_set_are_listed_by_their_kinds(
    service: Service, flux: ModelRecord, kind: str
) -> None:
    answer = service.client.get(f"/v1/models?kind={kind}", headers=AUTHORIZED).get_json()
    assert [each["id"] for each in answer["models"]] == [
        each.id for each in tree() if each.kind == kind
    ]
    assert not any(each["loadable"] for each in answer["models"])


def test_that_each_api_lists_a_set_once(service: Service, flux: ModelRecord) -> None:
    openai = service.client.get("/openai/v1/models", headers=AUTHORIZED).get_json()
    assert {each["id"] for each in openai["data"]} >= {flux.id, MODEL.id}
    assert not {each.id for each in tree()} & {each["id"] for each in openai["data"]}
    web_ui = service.client.get("/sdapi/v1/sd-models", headers=AUTHORIZED).get_json()
    assert [each["sha256"] for each in web_ui if each["model_name"] == "flux"] == [flux.id]


def test_that_a_set_draws_by_its_name(service: Service, flux: ModelRecord) -> None:
    answer = service.client.post(
        "/v1/infer", json=infer_body(model_id="flux", scheduler=None), headers=AUTHORIZED
    )
    assert answer.status_code == 200, answer.get_json()


def test_that_a_diffusion_model_says_what_to_choose(service: Service, flux: ModelRecord) -> None:
    own = flux.members[0].id
    answer = service.client.post("/v1/infer", json=infer_body(model_id=own), headers=AUTHORIZED)
    problem = assert_problem(answer, 422, "model_not_loadable")
    assert f"choose flux.safetensors ({flux.id[:10]}) to draw with them" in str(problem)


def test_that_a_text_encoder_is_not_an_addon(service: Service, flux: ModelRecord) -> None:
    encoder = next(each for each in tree() if each.kind is ModelKind.TEXT_ENCODER)
    body = infer_body(model_id=flux.id, scheduler=None, loras=[{"model_id": encoder.id}])
    answer = service.client.post("/v1/infer", json=body, headers=AUTHORIZED)
    assert answer.status_code == 422
    assert "which is a text encoder and not a LoRA" in answer.get_data(as_text=True)
