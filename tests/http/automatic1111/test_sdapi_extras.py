"""Pictures that are enlarged through AUTOMATIC1111's API."""

import base64
import dataclasses
import hashlib
import io
import json
from typing import Any

import pytest
from PIL import Image

from domain.generation.upscale_request import UpscaleRequest
from domain.models.record import ModelKind
from tests.fakes.model_source import model_record
from tests.http.automatic1111.sdapi import error_of, picture, places_of
from tests.http.conftest import AUTHORIZED, Service

SINGLE = "/sdapi/v1/extra-single-image"
BATCH = "/sdapi/v1/extra-batch-images"
RED, BLUE = picture("red", (40, 30)), picture("blue", (20, 20))
UPSCALER = dataclasses.replace(
    model_record(b"u", "models/4x-Sharp.pth"),
    kind=ModelKind.UPSCALER,
    reason="it is an upscaler",
    is_companion=True,
    scale=4,
)
# The defaults of the web UI 1.10, `ExtrasBaseRequest` in `modules/api/models.py`.
UPSTREAM: dict[str, Any] = {
    **{"resize_mode": 0, "show_extras_results": True, "gfpgan_visibility": 0},
    **{"codeformer_visibility": 0, "codeformer_weight": 0, "upscaling_resize": 2},
    **{"upscaling_resize_w": 512, "upscaling_resize_h": 512, "upscaling_crop": True},
    **{"upscaler_1": "None", "upscaler_2": "None", "extras_upscaler_2_visibility": 0},
    **{"upscale_first": False},
}


def single(**changes: object) -> dict[str, object]:
    """Return a valid body of `extra-single-image`, changed by `changes`."""
    return {"image": RED, "upscaler_1": "Lanczos", **changes}


def batch(*images: str, **changes: object) -> dict[str, object]:
    """Return a valid body of `extra-batch-images`, changed by `changes`."""
    files = [{"data": each, "name": f"{number}.png"} for number, each in enumerate(images)]
    return {"imageList": files, "upscaler_1": "Lanczos", **changes}


def answer_of(service: Service, sent: dict[str, object], url: str = SINGLE) -> dict[str, Any]:
    response = service.client.post(url, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer: dict[str, Any] = response.get_json()
    return answer


def enlarged_for(service: Service, sent: dict[str, object]) -> UpscaleRequest:
    answer_of(service, sent)
    return service.generator.enlarged[-1]


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.fixture(scope="module")
def upscaling(shared: Service) -> Service:
    """The shared service with an upscaler model."""
    shared.source.others = (UPSCALER,)
    shared.container.model_registry().refresh()
    return shared


def test_a_picture_is_enlarged_twice_by_default(shared: Service) -> None:
    answer = answer_of(shared, single())
    assert set(answer) == {"image", "html_info"}
    assert (opened(answer["image"]).size, opened(answer["image"]).format) == ((80, 60), "PNG")
    request = shared.generator.enlarged[-1]
    assert (request.model_id, request.scale) == ("lanczos", 2.0)
    assert request.image.id == hashlib.sha256(base64.b64decode(RED)).hexdigest()
    told = "<p>Postprocess upscale by: 2, Postprocess upscaler: Lanczos</p>"
    assert answer["html_info"] == told


@pytest.mark.parametrize("name", ["4x-Sharp", "4X-SHARP", UPSCALER.path, UPSCALER.id])
def test_a_model_enlarges_a_picture(upscaling: Service, name: str) -> None:
    request = enlarged_for(upscaling, single(upscaler_1=name, upscaling_resize=4))
    assert (request.model_id, request.scale) == (UPSCALER.id, 4.0)


def test_all_fields_are_accepted_at_the_defaults_of_that_api(shared: Service) -> None:
    number = len(shared.generator.enlarged)
    answer = answer_of(shared, UPSTREAM | {"image": RED})
    # The upscaler «None» changes nothing.
    assert opened(answer["image"]).convert("RGB").tobytes() == opened(RED).tobytes()
    assert answer["html_info"] == "<p></p>"
    assert len(shared.generator.enlarged) == number


@pytest.mark.parametrize("nothing", [None, False, 0])
def test_fields_that_change_nothing_are_accepted(shared: Service, nothing: object) -> None:
    names = ("show_extras_results", "codeformer_weight", "upscale_first")
    sent = single(**dict.fromkeys(names, nothing), unheard_of=nothing)
    assert enlarged_for(shared, sent).scale == 2.0
    others = single(show_extras_results=True, codeformer_weight=0.7, upscale_first=True, new=[1])
    assert enlarged_for(shared, others).scale == 2.0


def test_the_second_upscaler_has_no_effect_at_visibility_0(shared: Service) -> None:
    sent = single(upscaler_2="SwinIR 4x", extras_upscaler_2_visibility=0)
    assert enlarged_for(shared, sent).model_id == "lanczos"
    sent = single(upscaler_2="None", extras_upscaler_2_visibility=0.5)
    assert enlarged_for(shared, sent).model_id == "lanczos"


@pytest.mark.parametrize(
    "size, crop, result",
    [
        ((80, 60), True, (80, 60)),
        ((80, 60), False, (80, 60)),
        ((100, 30), True, (100, 30)),
        ((100, 30), False, (100, 75)),
        ((40, 90), True, (40, 90)),
        ((40, 90), False, (120, 90)),
        ((41, 41), True, (41, 41)),
        (("80", 60.0), 1, (80, 60)),
    ],
)
def test_a_picture_is_enlarged_to_a_size(
    shared: Service, size: tuple[int, int], crop: bool, result: tuple[int, int]
) -> None:
    sides = {"upscaling_resize_w": size[0], "upscaling_resize_h": size[1]}
    sent = single(resize_mode=1, upscaling_crop=crop, upscaling_resize="nonsense", **sides)
    assert opened(answer_of(shared, sent)["image"]).size == result


def test_the_size_has_no_effect_if_the_factor_counts(shared: Service) -> None:
    sent = single(upscaling_resize=3, upscaling_resize_w=-5, upscaling_crop="nonsense")
    assert enlarged_for(shared, sent).scale == 3.0


def test_several_pictures_are_enlarged_in_order(shared: Service) -> None:
    answer = answer_of(shared, batch(RED, f"data:image/png;base64,{BLUE}"), BATCH)
    assert [opened(each).size for each in answer["images"]] == [(80, 60), (40, 40)]
    assert "Lanczos" in answer["html_info"]


def test_more_pictures_than_the_queue_holds_are_enlarged(service: Service) -> None:
    assert len(answer_of(service, batch(*[RED, BLUE] * 8), BATCH)["images"]) == 16


def test_the_results_of_a_batch_have_a_limit_together(service: Service) -> None:
    large = picture("red", (2048, 2048))
    sent = batch(*[large] * 5, upscaling_resize=4)
    response = service.client.post(BATCH, json=sent, headers=AUTHORIZED)
    assert response.status_code == 422
    assert "makes 335544320 pixels in all" in response.text
    assert not service.generator.enlarged
    assert not service.pictures.files


@pytest.mark.parametrize("name, kind", [("jpg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
def test_the_format_is_that_of_the_callers_options(service: Service, name: str, kind: str) -> None:
    options = {"samples_format": name}
    service.client.post("/sdapi/v1/options", json=options, headers=AUTHORIZED)
    for sent in (
        single(),
        single(resize_mode=1, upscaling_resize_w=50, upscaling_resize_h=50),
        single(upscaler_1="None"),
    ):
        assert opened(answer_of(service, sent)["image"]).format == kind


@pytest.mark.parametrize(
    "sent, place",
    [
        ({"image": None}, "image"),
        ({"image": ""}, "image"),
        ({"image": "aGVsbG8="}, "image"),
        ({"image": "not*base64"}, "image"),
        ({"image": "http://127.0.0.1:1/a.png"}, "image"),
        ({"image": "aGVsbG8=", "upscaler_1": "None"}, "image"),
        ({"upscaler_1": "Nearest"}, "upscaler_1"),
        ({"upscaler_1": "Latent"}, "upscaler_1"),
        ({"upscaler_1": 4}, "upscaler_1"),
        ({"upscaler_2": "Nearest", "extras_upscaler_2_visibility": 0.1}, "visibility"),
        ({"extras_upscaler_2_visibility": 1.1}, "visibility"),
        ({"gfpgan_visibility": 0.5}, "gfpgan_visibility"),
        ({"codeformer_visibility": 1}, "codeformer_visibility"),
        ({"resize_mode": 2}, "resize_mode"),
        ({"upscaling_resize": 0.9}, "upscaling_resize"),
        ({"upscaling_resize": 8.1}, "upscaling_resize"),
        ({"resize_mode": 1, "upscaling_resize_w": 0}, "upscaling_resize_w"),
        ({"resize_mode": 1, "upscaling_resize_h": 8193}, "upscaling_resize_h"),
        ({"resize_mode": 1, "upscaling_crop": "perhaps"}, "upscaling_crop"),
        (
            {"resize_mode": 1, "upscaling_resize_w": 20, "upscaling_resize_h": 20},
            "upscaling_resize_w",
        ),
        (
            {"resize_mode": 1, "upscaling_resize_w": 330, "upscaling_resize_h": 30},
            "upscaling_resize_w",
        ),
    ],
    ids=lambda each: json.dumps(each)[:50],
)
def test_a_wrong_field_is_refused_by_its_name(
    shared: Service, sent: dict[str, object], place: str
) -> None:
    place = (
        place.replace("visibility", "extras_upscaler_2_visibility") if place[0] == "v" else place
    )
    number = len(shared.generator.enlarged)
    response = shared.client.post(SINGLE, json=single() | sent, headers=AUTHORIZED)
    assert list(places_of(response)) == [place]
    assert len(shared.generator.enlarged) == number


@pytest.mark.parametrize("images", [None, [], "x", [RED], [{"data": RED}] * 17, [{"name": "a"}]])
def test_a_wrong_list_of_pictures_is_refused(shared: Service, images: object) -> None:
    response = shared.client.post(BATCH, json={"imageList": images}, headers=AUTHORIZED)
    assert list(places_of(response)) == ["imageList"]


def test_a_picture_of_a_batch_that_cannot_be_read_is_named_by_its_number(shared: Service) -> None:
    damaged = base64.b64encode(base64.b64decode(BLUE)[:40]).decode()
    response = shared.client.post(BATCH, json=batch(RED, damaged), headers=AUTHORIZED)
    cut_off = "has a picture, number 2, that is cut off"
    assert places_of(response) == {"imageList": cut_off}
    response = shared.client.post(BATCH, json=batch(damaged), headers=AUTHORIZED)
    assert places_of(response) == {"imageList": "is cut off"}


def test_a_result_that_is_too_large_is_refused(service: Service) -> None:
    large = picture("red", (2100, 2000))
    response = service.client.post(
        SINGLE, json=single(image=large, upscaling_resize=4.1), headers=AUTHORIZED
    )
    assert "67108864" in places_of(response)["upscaling_resize"]
    sides = {"upscaling_resize_w": 6000, "upscaling_resize_h": 100}
    sent = single(image=large, resize_mode=1, **sides)
    response = service.client.post(SINGLE, json=sent, headers=AUTHORIZED)
    assert "upscaling_crop" in places_of(response)["upscaling_resize_w"]
    sides = {"upscaling_resize_w": 8192, "upscaling_resize_h": 8192, "upscaling_crop": False}
    response = service.client.post(
        SINGLE, json=single(image=large, resize_mode=1, **sides), headers=AUTHORIZED
    )
    assert "67108864" in places_of(response)["upscaling_resize_w"]


def test_a_failure_has_the_error_shape_of_that_api(service: Service) -> None:
    service.generator.failures.append(RuntimeError("secret"))
    error = error_of(service.client.post(SINGLE, json=single(), headers=AUTHORIZED), 500)
    assert "secret" not in json.dumps(error)


def test_a_picture_that_is_enlarged_is_a_job_of_this_api(service: Service) -> None:
    request = enlarged_for(service, single())
    assert request.id.startswith("sdapi-")
    progress = service.client.get("/sdapi/v1/progress", headers=AUTHORIZED).get_json()
    assert progress["state"]["job_count"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"upscaler_1": "None"},
        {"upscaling_resize": 2},
        {"resize_mode": 1, "upscaling_resize_w": 300, "upscaling_resize_h": 256},
    ],
    ids=json.dumps,
)
def test_the_parameters_of_a_picture_stay_with_it(
    shared: Service, changes: dict[str, object]
) -> None:
    sent = {"prompt": "a red circle", "seed": 7, "width": 256, "height": 256}
    drawn = shared.client.post("/sdapi/v1/txt2img", json=sent, headers=AUTHORIZED).get_json()
    answer = answer_of(shared, single(image=drawn["images"][0], **changes))
    text = opened(answer["image"]).info["parameters"]
    assert "a red circle" in text
    assert "Seed: 7" in text
