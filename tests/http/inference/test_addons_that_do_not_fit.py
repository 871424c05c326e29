"""Add-ons that do not fit are refused before the queue, in every API, with the field."""

import base64
import dataclasses
from typing import Any

import pytest

from domain.models.kinds import base_family
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from tests.contract.test_pictures import picture
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import model_record
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body
from tests.http.helpers import assert_problem, occupy_device

MAP = {"base64": base64.b64encode(picture("green", (64, 64))).decode()}
KINDS = (ModelKind.LORA, ModelKind.EMBEDDING, ModelKind.VAE, ModelKind.CONTROLNET)
FIELDS = {
    ModelKind.LORA: "loras[1].model_id",
    ModelKind.EMBEDDING: "embeddings[1].model_id",
    ModelKind.VAE: "vae_id",
    ModelKind.CONTROLNET: "controls[1].model_id",
}
PHOTO = dataclasses.replace(
    model_record(b"photo", "models/photo.ckpt"),
    family=ModelFamily.SD_1_INPAINT,
    base=base_family(ModelFamily.SD_1_INPAINT),
)
FLUX = dataclasses.replace(
    model_record(b"flux", "models/flux"), extension="", family=ModelFamily.FLUX
)


def addon(kind: ModelKind, name: str, **changes: object) -> ModelRecord:
    record = model_record(f"{kind}/{name}".encode(), f"models/{kind}/{name}.safetensors")
    values: dict[str, object] = {"kind": kind, "reason": f"it is a {kind}", "is_companion": True}
    return dataclasses.replace(record, **(values | changes))  # type: ignore[arg-type]


GOOD = {kind: addon(kind, "good") for kind in KINDS}
XL = {kind: addon(kind, "xl", base=ModelFamily.SDXL, family=ModelFamily.SDXL) for kind in KINDS}
HOSTILE = {
    kind: addon(kind, "hostile", is_companion=False, reason="it holds the instruction to call x")
    for kind in KINDS
}
WIDE = {kind: addon(kind, "wide") for kind in KINDS}


@pytest.fixture(autouse=True)
def models(service: Service) -> None:
    service.headers.held |= {MODEL.id: demo_tensors(), PHOTO.id: demo_tensors()}
    every = [each for group in (GOOD, XL, HOSTILE, WIDE) for each in group.values()]
    for each in every:
        service.headers.held[each.id] = addon_tensors(each.kind)
    for kind, each in WIDE.items():
        service.headers.held[each.id] = {
            name: dataclasses.replace(facts, shape=tuple(9 * side for side in facts.shape))
            for name, facts in addon_tensors(kind).items()
        }
    service.source.others = (*every, PHOTO, FLUX)
    service.container.model_registry().refresh()


def naming(kind: ModelKind, wrong: ModelRecord) -> dict[str, Any]:
    """Return the fields of a body that name this model, after a good one where a list has both."""
    ids = [GOOD[kind].id, wrong.id]
    if kind is ModelKind.VAE:
        return {"vae_id": wrong.id}
    if kind is ModelKind.LORA:
        return {"loras": [{"model_id": each} for each in ids]}
    if kind is ModelKind.EMBEDDING:
        return {"embeddings": [{"model_id": each, "token": each[:9]} for each in ids]}
    return {"controls": [{"model_id": each, "image": MAP} for each in ids]}


def post(service: Service, path: str, body: dict[str, Any]) -> Any:
    return service.client.post(path, json=body, headers=AUTHORIZED)


def nothing_was_kept(service: Service) -> None:
    assert service.pictures.files == {}
    assert service.generator.drawn == []
    assert service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["count"] == 0


def refused(service: Service, kind: ModelKind, wrong: ModelRecord, **changes: Any) -> str:
    """Return why `/v1/infer` and `/v1/jobs` refuse this model."""
    messages = set()
    for path in ("/v1/infer", "/v1/jobs"):
        response = post(service, path, infer_body(**naming(kind, wrong), **changes))
        (row,) = assert_problem(response, 422, "addon_mismatch")["errors"]
        assert row["field"] == FIELDS[kind]
        messages.add(row["message"])
    nothing_was_kept(service)
    (message,) = messages
    return str(message)


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_is_refused_with_both_names(service: Service, kind: ModelKind) -> None:
    for other in (each for each in KINDS if each is not kind):
        said = refused(service, kind, GOOD[other])
        assert "is good.safetensors, which is a" in said
        assert MODEL.name in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_is_not_an_addon(service: Service, kind: ModelKind) -> None:
    assert "is photo.ckpt, which is a checkpoint and not" in refused(service, kind, PHOTO)


@pytest.mark.parametrize("kind", KINDS)
def test_another_family_is_refused_with_both_names_and_families(
    service: Service, kind: ModelKind
) -> None:
    said = refused(service, kind, XL[kind], model_id=PHOTO.id)
    for told in ("xl.safetensors", "for sdxl", "photo.ckpt", "sd-1-inpaint", "for sd-1,"):
        assert told in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_would_run_code_is_refused(service: Service, kind: ModelKind) -> None:
    said = refused(service, kind, HOSTILE[kind])
    assert said == (
        "is hostile.safetensors, which cannot be used: it holds the instruction to call x"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_other_shapes_are_refused(service: Service, kind: ModelKind) -> None:
    said = refused(service, kind, WIDE[kind])
    assert said.startswith("is wide.safetensors, which does not fit a.safetensors: ")


def test_a_pipeline_of_another_family_takes_no_addons(service: Service) -> None:
    response = post(
        service, "/v1/infer", infer_body(vae_id=GOOD[ModelKind.VAE].id, model_id=FLUX.id)
    )
    (row,) = assert_problem(response, 422, "addon_mismatch")["errors"]
    assert "flux draws without add-ons" in row["message"]


def test_every_wrong_entry_has_a_row_beside_other_wrong_fields(service: Service) -> None:
    body = infer_body(
        loras=[{"model_id": XL[ModelKind.VAE].id}, {"model_id": HOSTILE[ModelKind.LORA].id}],
        vae_id=GOOD[ModelKind.LORA].id,
    )
    rows = assert_problem(post(service, "/v1/infer", body), 422, "addon_mismatch")["errors"]
    assert {row["field"] for row in rows} == {
        *("vae_id", "loras[0].model_id", "loras[1].model_id"),
    }
    wide = post(service, "/v1/infer", {**body, "width": 1536})
    rows = assert_problem(wide, 422, "invalid_request")["errors"]
    assert len(rows) == 4


@pytest.mark.parametrize("path", ["/v1/infer", "/v1/jobs"])
def test_a_file_that_changed_before_it_was_compared_is_refused(service: Service, path: str) -> None:
    good = GOOD[ModelKind.LORA]
    service.headers.gone.add(good.id)
    body = infer_body(loras=[{"model_id": good.id}])
    assert (
        "good.safetensors"
        in assert_problem(post(service, path, body), 422, "model_changed")["detail"]
    )


def test_a_refusal_does_not_wait_for_the_device(service: Service) -> None:
    occupy_device(service)
    body = infer_body(**naming(ModelKind.LORA, HOSTILE[ModelKind.LORA]))
    assert_problem(post(service, "/v1/infer", body), 422, "addon_mismatch")


@pytest.mark.parametrize("wrong", [HOSTILE, XL, WIDE], ids=["hostile", "family", "shapes"])
def test_the_openai_api_names_the_field_in_its_own_form(
    service: Service, wrong: dict[ModelKind, ModelRecord]
) -> None:
    body = {
        "prompt": "x",
        "model": PHOTO.id,
        "size": "512x512",
        **naming(ModelKind.LORA, wrong[ModelKind.LORA]),
    }
    response = post(service, "/openai/v1/images/generations", body)
    error = response.get_json()["error"]
    assert (response.status_code, error["code"]) == (400, "addon_mismatch")
    assert error["param"] == "loras[1].model_id"
    assert wrong[ModelKind.LORA].name in error["message"]
    assert error["type"] == "invalid_request_error"


def test_an_unknown_addon_is_a_404_of_the_openai_api(service: Service) -> None:
    body = {"prompt": "x", "loras": [{"model_id": "ab" * 32}]}
    response = post(service, "/openai/v1/images/generations", body)
    error = response.get_json()["error"]
    assert (response.status_code, error["code"]) == (404, "model_not_found")
    assert error["param"] == "loras[0].model_id"


def test_a_job_whose_addon_is_gone_names_the_field(service: Service) -> None:
    occupy_device(service)
    body = infer_body(**naming(ModelKind.LORA, GOOD[ModelKind.LORA]))
    accepted = post(service, "/v1/jobs", body)
    assert accepted.status_code == 202, accepted.text
    service.source.others = ()
    service.container.model_registry().refresh()
    service.generator.gate.set()
    waiting = post(service, "/v1/infer", body)
    assert waiting.status_code == 404
    assert waiting.get_json()["errors"][0]["field"] == "loras[0].model_id"
    error = service.client.get(accepted.headers["Location"], headers=AUTHORIZED).get_json()["error"]
    assert (error["status"], error["code"]) == (404, "model_not_found")
    assert error["errors"][0]["field"] == "loras[0].model_id"
    assert GOOD[ModelKind.LORA].id in error["errors"][0]["message"]
