"""Requests with pictures, a second pass and upscaling: fields, errors, answers and jobs."""

import base64
import dataclasses
import hashlib
import random
from typing import Any

import pytest

from domain.models.record import ModelFamily, ModelInput, ModelKind, ModelRecord
from tests.contract.test_pictures import picture
from tests.fakes.model_source import model_record
from tests.http.conftest import (
    AUTHORIZED,
    OTHERS,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, wrong_fields
from tests.unit.parts.sent_bodies import spoilt, valid_body

WIDE = picture("green", (640, 320))
MASK = picture("white", (640, 320))
WIDE_ID, MASK_ID = (hashlib.sha256(data).hexdigest() for data in (WIDE, MASK))
LORA = dataclasses.replace(
    model_record(b"lora", "models/style.safetensors"), kind=ModelKind.LORA, reason="a LoRA"
)
UPSCALER = dataclasses.replace(
    model_record(b"up", "models/sharp.safetensors"),
    kind=ModelKind.UPSCALER,
    reason="an upscaler draws nothing by itself",
    is_companion=True,
    scale=4,
)
TEXT_ONLY = dataclasses.replace(
    model_record(b"text", "models/text.safetensors"), pipeline_inputs=(ModelInput.TEXT,)
)
NO_MASKS = dataclasses.replace(
    model_record(b"no masks", "models/plain.safetensors"),
    pipeline_inputs=(ModelInput.TEXT, ModelInput.IMAGE),
)
PIX2PIX = dataclasses.replace(
    model_record(b"pix", "models/pix.safetensors"), family=ModelFamily.SD_1_PIX2PIX
)


def inline(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


def body(**changes: Any) -> dict[str, Any]:
    return infer_body(init_image=inline(WIDE)) | changes


@pytest.fixture(autouse=True)
def models(service: Service) -> None:
    service.source.others = (LORA, UPSCALER, TEXT_ONLY, NO_MASKS, PIX2PIX)
    service.container.model_registry().refresh()


def infer(service: Service, sent: dict[str, Any], headers: dict[str, str] = AUTHORIZED) -> Any:
    return service.client.post("/v1/infer", json=sent, headers=headers)


def drawn(service: Service, **changes: Any) -> dict[str, Any]:
    response = infer(service, body(**changes))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def job_of(service: Service, answer: dict[str, Any]) -> dict[str, Any]:
    response = service.client.get(f"/v1/jobs/{answer['id']}", headers=AUTHORIZED)
    found: dict[str, Any] = response.get_json()
    return found


def test_a_picture_is_drawn_from_at_its_own_size(service: Service) -> None:
    answer = drawn(service, strength=0.5, num_inference_steps=9)
    assert [(each["width"], each["height"]) for each in answer["images"]] == [(640, 320)]
    job = job_of(service, answer)
    assert job["progress"] == {"step": 4, "steps": 4}
    assert job["request"]["width"] == 640
    for found in (answer, job["request"]):
        assert found["init_image"] == {"id": WIDE_ID}
        assert (found["strength"], found["resize_mode"]) == (0.5, "crop")
        assert not {"mask_image", "mask_blur", "second_pass", "upscale"} & found.keys()
    (request,) = service.generator.drawn
    assert request.pictures[0].id == WIDE_ID


def test_a_plain_request_has_no_fields_of_parts(service: Service) -> None:
    answer = infer(service, infer_body()).get_json()
    assert not {"init_image", "strength", "second_pass"} & answer.keys()
    assert not {"init_image", "strength"} & job_of(service, answer)["request"].keys()


def test_all_fields_are_repeated_with_their_defaults(service: Service) -> None:
    answer = drawn(
        service, mask_image=inline(MASK), second_pass={}, upscale={"model_id": "sharp"}, width=320
    )
    parts = {
        "init_image": {"id": WIDE_ID},
        "strength": 0.75,
        "resize_mode": "crop",
        "mask_image": {"id": MASK_ID},
        "mask_blur": 4,
        "mask_content": "original",
        "inpaint_area": "whole",
        "inpaint_padding": 32,
        "second_pass": {
            "scale": 2.0,
            "strength": 0.7,
            "num_inference_steps": None,
            "upscaler": "latent",
        },
        "upscale": {"model_id": UPSCALER.id, "scale": None},
    }
    assert {name: answer[name] for name in parts} == parts
    job = job_of(service, answer)
    assert {name: job["request"][name] for name in parts} == parts
    assert (job["request"]["width"], job["request"]["height"]) == (320, 256)
    assert [(each["width"], each["height"]) for each in job["images"]] == [(2560, 2048)]


def test_a_picture_is_the_same_request_however_it_is_sent(service: Service) -> None:
    answer = drawn(service, id="one")
    for again in (
        inline(WIDE),
        {"id": WIDE_ID},
        {"id": WIDE_ID.upper()},
        {"base64": f"data:image/png;base64,{inline(WIDE)['base64']}"},
        {"base64": "\n".join(inline(WIDE)["base64"][n : n + 76] for n in range(0, 9999, 76))},
    ):
        assert drawn(service, id="one", init_image=again) == answer
    repeated = job_of(service, answer)["request"]
    assert infer(service, repeated).get_json() == answer
    assert len(service.generator.drawn) == 1


def test_a_drawn_picture_starts_another_drawing(service: Service) -> None:
    (image,) = infer(service, infer_body()).get_json()["images"]
    answer = drawn(service, init_image={"id": image["id"]})
    assert answer["init_image"] == {"id": image["id"]}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"init_image": inline(MASK)}, ["init_image"]),
        ({"strength": 0.5}, ["strength"]),
        ({"mask_image": inline(MASK)}, ["mask_image"]),
        ({"second_pass": {"scale": 1.5}}, ["second_pass.scale"]),
        ({"upscale": {"model_id": "sharp", "scale": 2}}, ["upscale.scale"]),
        ({"second_pass": None, "width": 256}, ["width", "second_pass"]),
    ],
)
def test_a_conflict_names_the_fields(
    service: Service, changes: dict[str, Any], fields: list[str]
) -> None:
    first = {"second_pass": {"scale": 1.25}, "upscale": {"model_id": "sharp"}, "id": "taken"}
    drawn(service, **first)
    problem = assert_problem(infer(service, body(**(first | changes))), 409, "id_conflict")
    for field in fields:
        assert field in problem["detail"]
    assert "source" not in problem["detail"]


PICTURE = "init_image"


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({PICTURE: {}}, {PICTURE: "needs base64 or id"}),
        ({PICTURE: {"base64": "AA==", "id": WIDE_ID}}, {PICTURE: "has both base64 and id"}),
        ({PICTURE: "AA=="}, {PICTURE: "must be an object"}),
        ({PICTURE: {"base64": "not base64!"}}, {"init_image.base64": "is not base64"}),
        ({PICTURE: {"base64": "QUJ"}}, {"init_image.base64": "is not base64"}),
        ({PICTURE: {"base64": "data:image/png,abc"}}, {"init_image.base64": "without ;base64"}),
        ({PICTURE: {"base64": ""}}, {"init_image.base64": "is empty"}),
        ({PICTURE: {"base64": 5}}, {"init_image.base64": "must be text"}),
        ({PICTURE: inline(b"no picture")}, {"init_image.base64": "is not a PNG"}),
        ({PICTURE: {"id": "0" * 64}}, {"init_image.id": "names no picture of yours"}),
        ({PICTURE: {"id": "abc"}}, {"init_image.id": "64 hexadecimal digits"}),
        ({PICTURE: {"url": "x"}}, {"init_image.url": "is not a field of a picture"}),
        ({PICTURE: None, "strength": 0.5}, {"strength": "needs an init_image"}),
        ({"mask_blur": 3}, {"mask_blur": "needs a mask_image"}),
        ({PICTURE: None, "mask_image": inline(MASK)}, {"mask_image": "needs an init_image"}),
        ({"strength": None}, {"strength": "must not be null"}),
        ({"strength": True}, {"strength": "must be a number"}),
        ({"second_pass": []}, {"second_pass": "must be an object"}),
        ({"second_pass": {"foo": 1}}, {"second_pass.foo": "is not a field"}),
        ({"second_pass": {"scale": 4}}, {"second_pass.scale": "2048"}),
        ({"upscale": {}}, {"upscale.model_id": "is required"}),
        ({"upscale": {"model_id": "style"}}, {"upscale.model_id": "which is not an upscaler"}),
        (
            {"second_pass": {"upscaler": "style"}},
            {"second_pass.upscaler": "which is not an upscaler"},
        ),
        ({"scheduler": "PLMS"}, {"scheduler": "cannot begin in the middle"}),
        ({"image_guidance_scale": 2}, {"image_guidance_scale": "only models with eight channels"}),
        ({"model_id": "text"}, {PICTURE: "draws from text alone"}),
        (
            {"model_id": "text", PICTURE: None, "second_pass": {}},
            {"second_pass": "draws from text alone"},
        ),
        ({"model_id": "plain", "mask_image": inline(MASK)}, {"mask_image": "without masks"}),
        ({"model_id": "pix", PICTURE: None}, {PICTURE: "is required"}),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    service: Service, changes: dict[str, Any], rows: dict[str, str]
) -> None:
    sent = {
        name: each for name, each in body(**changes).items() if each is not None or name != PICTURE
    }
    for route in ("/v1/infer", "/v1/jobs"):
        response = service.client.post(route, json=sent, headers=AUTHORIZED)
        found = wrong_fields(response)
        assert list(found) == list(rows)
        for field, words in rows.items():
            assert words in found[field]
    assert service.pictures.files == {}
    assert service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["count"] == 0


def test_a_damaged_picture_is_told_in_a_sentence(service: Service) -> None:
    sent = body(**{PICTURE: inline(b"no picture")})
    answer = service.client.post("/v1/infer", json=sent, headers=AUTHORIZED).get_json()
    assert answer["detail"] == "init_image.base64 is not a PNG, JPEG or WebP file"


def test_all_wrong_fields_are_named_at_once_in_order(service: Service) -> None:
    sent = body(
        width=5,
        init_image={"id": "0" * 64},
        strength=2,
        mask_image=inline(b"no picture"),
        mask_blur=65,
        second_pass={"scale": 9, "upscaler": ""},
        upscale={"scale": 0},
        foo=1,
    )
    assert list(wrong_fields(infer(service, sent))) == [
        *("width", "init_image.id", "strength", "mask_image.base64", "mask_blur"),
        *("second_pass.scale", "second_pass.upscaler", "upscale.model_id", "upscale.scale"),
        "foo",
    ]
    assert service.pictures.files == {}


def test_a_picture_of_another_caller_is_unknown(service: Service) -> None:
    drawn(service)
    response = infer(service, infer_body(init_image={"id": WIDE_ID}), OTHERS)
    assert wrong_fields(response).keys() == {"init_image.id"}


def test_an_unknown_upscaler_is_404_with_its_field(service: Service) -> None:
    for sent, field in (
        (body(upscale={"model_id": "none"}), "upscale.model_id"),
        (body(upscale={"model_id": "0" * 64}), "upscale.model_id"),
        (body(second_pass={"upscaler": "none"}), "second_pass.upscaler"),
    ):
        response = infer(service, sent)
        problem = response.get_json()
        assert (response.status_code, problem["code"]) == (404, "model_not_found")
        assert [row["field"] for row in problem["errors"]] == [field]
        assert service.pictures.files == {}


def test_a_result_has_at_most_64_megapixels(service: Service) -> None:
    upscale = {"model_id": "sharp"}
    large = {"second_pass": {"scale": 2}, "init_image": None, "width": 1024, "height": 1024}
    assert drawn(service, **large, upscale=upscale)["images"][0]["width"] == 8192
    eight = dataclasses.replace(UPSCALER, scale=8)
    service.source.others = (eight,)
    service.container.model_registry().refresh()
    assert wrong_fields(infer(service, body(**large, upscale=upscale))).keys() == {"upscale.scale"}
    assert drawn(service, **(large | {"second_pass": None}), upscale=upscale)["upscale"]


def test_an_upscaler_keeps_the_meaning_of_its_name(service: Service) -> None:
    sent = body(id="named", upscale={"model_id": "sharp"}, second_pass={"upscaler": "sharp"})
    answer = infer(service, sent).get_json()
    other = dataclasses.replace(UPSCALER, id="1" * 64)
    service.source.others = (other,)
    service.container.model_registry().refresh()
    assert infer(service, sent).get_json() == answer
    assert drawn(service, upscale={"model_id": "sharp"})["upscale"]["model_id"] == other.id


def test_a_repeated_request_gets_its_size_without_its_model(service: Service) -> None:
    sent = body(id="gone", model_id="plain", height=256)
    answer = infer(service, sent).get_json()
    assert (answer["images"][0]["width"], answer["images"][0]["height"]) == (512, 256)
    service.source.others = ()
    service.container.model_registry().refresh()
    assert infer(service, sent).get_json() == answer


def test_the_default_image_guidance_is_part_of_the_request(service: Service) -> None:
    answer = drawn(service, id="guided", model_id="pix")
    assert answer["image_guidance_scale"] == 1.5
    again = body(id="guided", model_id="pix", image_guidance_scale=1.5)
    assert infer(service, again).get_json() == answer
    service.source.others = ()
    service.container.model_registry().refresh()
    assert infer(service, body(id="guided", model_id="pix")).get_json() == answer
    assert "image_guidance_scale" not in drawn(service)


def test_models_tell_what_they_draw_from(service: Service) -> None:
    def told(record: ModelRecord) -> dict[str, Any]:
        path = f"/v1/models/{record.id}"
        found: dict[str, Any] = service.client.get(path, headers=AUTHORIZED).get_json()
        return {name: found[name] for name in ("inputs", "usable", "loadable", "scale")}

    assert told(NO_MASKS) == {
        **{"inputs": ["text", "image"], "usable": True, "loadable": True},
        "scale": None,
    }
    assert told(PIX2PIX)["inputs"] == ["image", "mask"]
    assert told(UPSCALER) == {"inputs": [], "usable": True, "loadable": False, "scale": 4}
    assert told(LORA) == {"inputs": [], "usable": False, "loadable": False, "scale": None}


def test_a_full_queue_keeps_no_picture() -> None:
    service = make_service(make_settings(max_queue=1))
    first = service.client.post("/v1/jobs", json=infer_body(), headers=AUTHORIZED)
    assert first.status_code == 202
    assert_problem(
        service.client.post("/v1/jobs", json=body(), headers=AUTHORIZED), 503, "queue_full"
    )
    assert service.pictures.files == {}


def test_generated_wrong_bodies_have_all_rows_and_keep_nothing(service: Service) -> None:
    for seed in range(60):
        parts, wrong = spoilt(random.Random(f"wrong {seed}"), valid_body(random.Random(seed)))
        response = infer(service, infer_body(width=5, foo=1, **parts))
        assert wrong_fields(response).keys() == wrong | {"width", "foo"}, f"{seed}: {parts}"
    assert service.pictures.files == {}
    assert service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["count"] == 0
