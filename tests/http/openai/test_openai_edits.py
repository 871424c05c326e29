"""Pictures from pictures, as clients of that API ask for them."""

import base64
import hashlib
import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from adapters.http.openai.quality import QUALITIES
from domain.generation.parts import MaskContent, ResizeMode, SourceImage
from domain.generation.request import GenerationRequest
from tests.http.conftest import AUTHORIZED, MODEL, OTHERS, Service, make_settings, running_service
from tests.http.openai.edits import URL, edit, file_of, masked, picture
from tests.http.openai.test_openai import error_of
from tests.http.openai.test_openai_streams import events_of

HALF = hashlib.sha256(masked()).hexdigest()


def drawn(service: Service, response: TestResponse) -> GenerationRequest:
    assert response.status_code == 200, response.get_json()
    return service.generator.drawn[-1]


def source(service: Service, response: TestResponse) -> SourceImage:
    found = drawn(service, response).source
    assert found is not None
    return found


def mask_of(service: Service, caller: str, response: TestResponse) -> Image.Image:
    mask = source(service, response).mask_image
    assert mask is not None
    _, data = service.container.pictures().file(caller, mask.id)
    return Image.open(io.BytesIO(data))


def caller_of(service: Service) -> str:
    (key, *_) = service.jobs.jobs
    return str(key.caller)


def test_a_picture_is_drawn_from_the_picture(shared: Service) -> None:
    response = edit(shared, n="2", seed="5", strength="0.5", num_inference_steps="4")
    answer = response.get_json()
    request = drawn(shared, response)
    assert request.source is not None
    assert request.source.init_image.id == hashlib.sha256(picture()).hexdigest()
    assert (request.source.strength, request.source.mask_image) == (0.5, None)
    assert (request.num_images, request.seed, request.num_inference_steps) == (2, 5, 4)
    assert (answer["size"], answer["background"], answer["quality"]) == (
        *("320x256", "opaque"),
        "medium",
    )
    for one in answer["data"]:
        with Image.open(io.BytesIO(base64.b64decode(one["b64_json"]))) as image:
            assert (image.format, image.size) == ("PNG", (320, 256))


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"strength": "0"}, {"strength": 0}),
        ({"strength": "1"}, {"strength": 1}),
        ({"strength": "1e-1"}, {"strength": 0.1}),
        ({"strength": ""}, {"strength": 0.75}),
        ({"resize_mode": "pad"}, {"resize_mode": ResizeMode.PAD}),
        (
            {"mask": masked(), "mask_blur": "8", "inpaint_area": "masked", "inpaint_padding": "9"},
            {"mask_blur": 8, "inpaint_padding": 9},
        ),
    ],
)
def test_every_field_of_the_picture_is_a_field_of_the_form(
    shared: Service, fields: dict[str, Any], values: dict[str, Any]
) -> None:
    found = source(shared, edit(shared, **fields))
    assert {name: getattr(found, name) for name in values} == values


@pytest.mark.parametrize(
    "fields",
    [
        {"second_pass[scale]": "1.5", "second_pass[strength]": "0.25"},
        {"second_pass": '{"scale": 1.5, "strength": 0.25}'},
    ],
)
def test_an_object_is_sent_as_clients_of_that_api_send_objects(
    shared: Service, fields: dict[str, str]
) -> None:
    second = drawn(shared, edit(shared, **fields)).second_pass
    assert second is not None
    assert (second.scale, second.strength) == (1.5, 0.25)


@pytest.mark.parametrize(
    ("size", "drawn_size"),
    [
        (None, (320, 256)),
        ("auto", (320, 256)),
        ("", (320, 256)),
        ("512x256", (512, 256)),
    ],
)
def test_the_size_is_that_of_the_picture_unless_another_is_asked_for(
    shared: Service, size: str | None, drawn_size: tuple[int, int]
) -> None:
    request = drawn(shared, edit(shared, size=size))
    assert (request.width, request.height) == drawn_size


def test_transparency_of_the_mask_is_drawn_again(service: Service) -> None:
    response = edit(service, mask=masked())
    mask = mask_of(service, caller_of(service), response)
    assert [mask.convert("L").getpixel((x, 9)) for x in (0, 159, 160, 319)] == [255, 255, 0, 0]
    found = source(service, response)
    assert found.mask_content in (None, MaskContent.ORIGINAL)
    assert found.init_image.id == hashlib.sha256(picture()).hexdigest()


def test_a_picture_with_transparency_is_its_own_mask(service: Service) -> None:
    response = edit(service, image=masked())
    mask = mask_of(service, caller_of(service), response)
    assert [mask.convert("L").getpixel((x, 9)) for x in (0, 159, 160, 319)] == [255, 255, 0, 0]
    found = source(service, response)
    # What was there has no colours.
    assert (found.mask_content, found.init_image.id) == (MaskContent.FILL, HALF)
    (warning,) = response.get_json()["warnings"]
    assert "transparent in places" in warning
    again = edit(service, image=masked(), mask_content="noise", mask_blur="0")
    assert source(service, again).mask_content == MaskContent.NOISE


@pytest.mark.parametrize("image", [masked(alpha=255), picture(mode="RGBA"), picture(kind="JPEG")])
def test_an_opaque_picture_has_no_mask(shared: Service, image: bytes) -> None:
    response = edit(shared, image=image)
    assert source(shared, response).mask_image is None
    assert response.get_json()["warnings"] == []


def test_a_mask_comes_before_the_transparency_of_the_picture(service: Service) -> None:
    whole = picture(mode="RGBA", colour=(0, 0, 0, 0))
    response = edit(service, image=masked(), mask=whole)
    mask = mask_of(service, caller_of(service), response)
    assert mask.convert("L").getextrema() == (255, 255)


def test_a_mask_in_black_and_white_is_sent_as_the_own_api_has_it(service: Service) -> None:
    white = picture(mode="L", colour=255)
    response = edit(service, mask_image=white)
    found = source(service, response).mask_image
    assert found is not None
    assert found.id == hashlib.sha256(white).hexdigest()


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"image": None}, "image", "is required"),
        ({"image": b"no picture"}, "image", "PNG, JPEG"),
        ({"image": picture()[:-20]}, "image", ""),
        ({"image": "0" * 64}, "image", "no picture of yours"),
        ({"image": "data:image/png,x"}, "image", "base64"),
        ({"image": "data:image/png;base64,!"}, "image", "base64"),
        ({"mask": b"no picture"}, "mask", "PNG, JPEG"),
        ({"mask": picture()}, "mask", "transparent nowhere"),
        ({"mask": "0" * 64}, "mask", "no picture of yours"),
        ({"mask_image": b"no picture"}, "mask_image", "PNG, JPEG"),
        ({"mask_image": picture(), "mask": masked()}, "mask", "an image and a mask at most"),
        ({"markup": masked()}, "markup", "mask"),
        ({"mask_blur": "4"}, "mask_blur", "mask"),
        ({"mask_blur": "65", "mask": masked()}, "mask_blur", "between 0 and 64"),
        ({"mask_content": "snow", "mask": masked()}, "mask_content", "snow"),
        ({"strength": "1.01"}, "strength", "between"),
        ({"strength": "-0.01"}, "strength", "between"),
        ({"strength": "half"}, "strength", "number"),
        ({"strength": "NaN"}, "strength", "number"),
        ({"strength": "1e999"}, "strength", "finite"),
        ({"strength": " 1"}, "strength", "number"),
        ({"n": "two"}, "n", "integer"),
        ({"n": "2.5"}, "n", "integer"),
        ({"n": "11"}, "n", "between"),
        ({"n": "01"}, "n", "integer"),
        ({"seed": "9" * 500}, "seed", ""),
        ({"stream": "yes"}, "stream", "boolean"),
        ({"partial_images": "1"}, "partial_images", "stream=true"),
        ({"size": "9x9"}, "size", "between"),
        ({"second_pass[scale]": "9"}, "second_pass.scale", "between"),
        ({"second_pass[scale]": "x"}, "second_pass.scale", "number"),
        ({"second_pass": "{"}, "second_pass", "object"),
        ({"second_pass[speed]": "1"}, "second_pass.speed", "not a field"),
        ({"prompt": ""}, "prompt", "0 characters"),
        ({"prompt": None}, "prompt", "is required"),
        ({"background": "transparent"}, "background", "opaque"),
        ({"input_fidelity": "medium"}, "input_fidelity", "low"),
        ({"output_format": "gif"}, "output_format", "png"),
        ({"output_compression": "101", "output_format": "jpeg"}, "output_compression", "100"),
        ({"svg[model]": "x"}, "svg", "SVG"),
        ({"frame_count": "4"}, "frame_count", "animations"),
        ({"init_image": "x"}, "init_image", "send image"),
        ({"images": "x"}, "images", "not a parameter"),
        ({"unknown": "x"}, "unknown", "not a parameter"),
    ],
)
def test_an_invalid_value_is_a_400_that_names_it(
    service: Service, fields: dict[str, Any], param: str, says: str
) -> None:
    error = error_of(edit(service, **fields), 400)
    assert error["param"] == param
    assert param.partition(".")[0] in error["message"]
    assert says in error["message"]
    assert service.generator.drawn == []
    assert service.jobs.jobs == {}


def test_every_invalid_value_is_named_at_once(shared: Service) -> None:
    fields = {"n": "x", "strength": "2", "second_pass[scale]": "0", "size": "1x1", "image": None}
    message = error_of(edit(shared, **fields, quality="best", mask=b""), 400)["message"]
    for name in ("n is", "strength is", "second_pass.scale is", "size is", "image is", "quality"):
        assert name in message


def test_nothing_is_kept_of_a_refused_request(service: Service) -> None:
    image = picture((321, 256))
    for fields in ({"model": "gone"}, {"strength": "2"}, {"mask": b"x"}, {"scheduler": "none"}):
        assert edit(service, image=image, **fields).status_code in (400, 404)
    address = f"/v1/images/{hashlib.sha256(image).hexdigest()}"
    found = service.client.get(address, headers=AUTHORIZED)
    assert found.status_code == 404


def several(service: Service, name: str, number: int) -> TestResponse:
    files = [file_of(picture((64 + each, 64))) for each in range(number)]
    form: dict[str, Any] = {"prompt": "a red circle", name: files}
    return service.client.post(URL, data=form, headers=AUTHORIZED)


@pytest.mark.parametrize("name", ["image", "image[]", "image[0]"])
def test_every_spelling_of_the_field_is_read(shared: Service, name: str) -> None:
    found = source(shared, several(shared, name, 1))
    assert found.init_image.id == hashlib.sha256(picture((64, 64))).hexdigest()


@pytest.mark.parametrize("number", [2, 16])
def test_several_pictures_are_refused_with_the_reason(shared: Service, number: int) -> None:
    error = error_of(several(shared, "image[]", number), 400)
    assert (error["param"], f"{number} pictures" in error["message"]) == ("image", True)


def test_more_pictures_than_that_api_takes_are_refused_while_they_are_read(shared: Service) -> None:
    assert error_of(several(shared, "image[]", 18), 413)["code"] == "body_too_large"


@pytest.mark.parametrize("field", ["image", "mask"])
def test_a_picture_may_have_the_most_bytes(field: str) -> None:
    with running_service(make_settings(max_picture_bytes=4096)) as service:
        whole = masked() + bytes(4096 - len(masked()))
        assert edit(service, **{field: whole}).status_code == 200
        error = error_of(edit(service, **{field: whole + b"x"}), 413)
    assert error["code"] == "picture_file_too_large"
    assert "4096" in error["message"]


def test_a_picture_that_was_sent_before_is_named_by_its_id(service: Service) -> None:
    first = edit(service, mask=masked())
    init, mask = source(service, first).init_image, HALF
    form = {"image": init.id.upper()}
    again = source(service, edit(service, **form))
    assert again.init_image == init
    service.client.post("/v1/images", data=masked(), content_type="image/png", headers=AUTHORIZED)
    found = source(service, edit(service, image=init.id, mask=mask))
    assert found.mask_image is not None
    error = error_of(edit(service, headers=OTHERS, **form), 400)
    assert (error["param"], "no picture of yours" in error["message"]) == ("image", True)


def test_a_request_is_the_same_whether_its_picture_is_sent_or_named(service: Service) -> None:
    headers = {**AUTHORIZED, "Idempotency-Key": "once"}
    first = edit(service, headers=headers).get_json()
    by_id = edit(service, headers=headers, image=hashlib.sha256(picture()).hexdigest()).get_json()
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    by_url = edit(service, headers=headers, image=url).get_json()
    assert first["data"] == by_id["data"] == by_url["data"]
    assert len(service.generator.drawn) == 1
    other = edit(service, headers=headers, image=picture((328, 256)), size="320x256")
    assert error_of(other, 400)["code"] == "id_conflict"


def as_json(service: Service, **fields: Any) -> TestResponse:
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    body = {"model": MODEL.id, "prompt": "a red circle", "images": [{"image_url": url}], **fields}
    return service.client.post(URL, json=body, headers=AUTHORIZED)


def test_a_json_body_names_pictures_by_data_urls_and_ids(service: Service) -> None:
    url = "data:image/png;base64," + base64.b64encode(masked()).decode()
    response = as_json(service, mask={"image_url": url}, strength=0.5, n=2)
    found = source(service, response)
    assert found.init_image.id == hashlib.sha256(picture()).hexdigest()
    assert (found.mask_image is not None, found.strength) == (True, 0.5)
    by_id = as_json(service, images=[{"file_id": found.init_image.id}], mask=None)
    assert source(service, by_id).init_image == found.init_image


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"images": None}, "images", "is required"),
        ({"images": []}, "images", "image_url"),
        ({"images": ["x"]}, "images", "image_url"),
        ({"images": [{}]}, "images", "image_url"),
        ({"images": [{"image_url": 1}]}, "images", "image_url"),
        ({"images": [{"image_url": "x", "file_id": "y"}]}, "images", "image_url"),
        ({"images": [{"image_url": "https://example.org/a.png"}]}, "images", "opens no links"),
        ({"images": [{"file_id": "file-abc"}]}, "images", "file_id"),
        ({"images": [{"file_id": "0" * 64}] * 2}, "images", "2 pictures"),
        ({"images": [{"file_id": "0" * 64}]}, "images", "no picture of yours"),
        ({"images": [{"image_url": "data:image/png;base64,AAAA"}]}, "images", "PNG, JPEG"),
        ({"mask": {"image_url": "https://example.org/a.png"}}, "mask", "opens no links"),
        ({"mask": {"file_id": "0" * 64}, "mask_image": {"file_id": "0" * 64}}, "mask", "_image"),
        ({"init_image": {"id": "0" * 64}}, "init_image", "send image"),
        ({"n": "2"}, "n", "integer"),
        ({"strength": "0.5"}, "strength", "number"),
    ],
)
def test_a_wrong_json_body_is_a_400_that_names_the_field(
    shared: Service, fields: dict[str, Any], param: str, says: str
) -> None:
    error = error_of(as_json(shared, **fields), 400)
    assert (error["param"], says in error["message"]) == (param, True), error


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"x", "text/plain", 415),
        (b"prompt=x", "application/x-www-form-urlencoded", 415),
        (picture(), "image/png", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"--b", "multipart/form-data; boundary=b", 400),
        (b"--b", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=b", 400),
    ],
)
def test_another_body_is_refused(
    shared: Service, data: bytes, content_type: str, status: int
) -> None:
    response = shared.client.post(URL, data=data, headers=AUTHORIZED, content_type=content_type)
    error_of(response, status)


def test_a_credential_comes_before_the_body(shared: Service) -> None:
    error_of(shared.client.post(URL, data=b"--b", content_type="multipart/form-data"), 401)


def test_an_edit_is_streamed_with_partial_pictures(shared: Service) -> None:
    response = edit(shared, stream="true", partial_images="2", num_inference_steps="20")
    assert response.mimetype == "text/event-stream"
    *partials, last = events_of(response.get_data(as_text=True))
    assert {each["type"] for each in partials} == {"image_edit.partial_image"}
    assert last["type"] == "image_edit.completed"
    assert last["size"] == "320x256"


def test_input_fidelity_is_taken_with_a_warning(shared: Service) -> None:
    for word in ("low", "high"):
        (warning,) = edit(shared, input_fidelity=word).get_json()["warnings"]
        assert "strength" in warning
    streamed = edit(shared, input_fidelity="high", stream="True").get_data(as_text=True)
    assert "strength" in events_of(streamed)[-1]["warnings"][0]


@pytest.mark.parametrize(
    "fields",
    [
        *({"quality": word} for word in QUALITIES),
        {"user": "u", "safety_identifier": "s", "moderation": "low", "complexity": "high"},
        {"background": "opaque", "output_compression": "100", "stream": "false"},
        {"response_format": "url"},
        {"output_format": "webp", "output_compression": "80"},
    ],
)
def test_parameters_of_that_api_are_taken(shared: Service, fields: dict[str, str]) -> None:
    assert edit(shared, **fields).status_code == 200


def test_a_link_opens_the_picture(shared: Service) -> None:
    (one,) = edit(shared, response_format="url").get_json()["data"]
    assert shared.client.get(one["url"]).data.startswith(b"\x89PNG")


def test_variations_are_not_there(shared: Service) -> None:
    form = {"image": file_of(picture()), "n": "2"}
    response = shared.client.post("/openai/v1/images/variations", data=form, headers=AUTHORIZED)
    assert error_of(response, 404)["code"] == "not_found"


def test_the_names_of_errors_are_those_of_the_form(shared: Service) -> None:
    for image in (b"no picture", "0" * 64):
        assert "init_image" not in error_of(edit(shared, image=image), 400)["message"]
