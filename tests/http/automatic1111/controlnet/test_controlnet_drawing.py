"""ControlNet in requests for pictures."""

import base64
import dataclasses
import hashlib
import io
import json
from typing import Any

import pytest
from PIL import Image

from domain.generation.parts import Preprocessor, ResizeMode
from domain.models.record import ModelKind
from tests.http.automatic1111.addons import CANNY, addon, unit, with_models
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    TXT2IMG,
    body,
    drawn_by,
    error_of,
    from_picture,
    picture,
    refused,
)
from tests.http.conftest import AUTHORIZED, Service

RED, BLUE = picture("red", (64, 48)), picture("blue", (64, 48))
TITLE = f"control_canny [{CANNY.id[:8]}]"
AT = "alwayson_scripts.ControlNet.args[0]"


@pytest.fixture
def ready(service: Service) -> Service:
    return with_models(service, CANNY)


def units(*each: object, **more: Any) -> dict[str, Any]:
    return body(alwayson_scripts={"ControlNet": {"args": [*each]}}, width=256, height=256, **more)


def answer(service: Service, sent: dict[str, Any], url: str = TXT2IMG) -> dict[str, Any]:
    response = service.client.post(url, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found | {"info": json.loads(found["info"])}


def opened(image: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(image)))


def sha(image: str) -> str:
    return hashlib.sha256(base64.b64decode(image)).hexdigest()


def test_a_unit_becomes_a_control(ready: Service) -> None:
    one = unit(
        RED,
        module="canny",
        weight=0.5,
        guidance_start=0.1,
        guidance_end=0.9,
        control_mode=1,
        resize_mode="Resize and Fill",
        threshold_a=50,
        threshold_b=150,
    )
    (control,) = drawn_by(ready, units(one)).controls
    assert (control.model_id, control.image.id) == (CANNY.id, sha(RED))
    assert (control.scale, control.start, control.end) == (0.5, 0.1, 0.9)
    assert control.preprocessor == Preprocessor(name="canny", low=50, high=150)
    assert (control.resize_mode, control.mode) == (ResizeMode.PAD, "prompt")


@pytest.mark.parametrize(
    "name",
    [
        *(
            TITLE,
            "control_canny",
            "control_canny.safetensors",
            CANNY.path,
            CANNY.id,
            "CONTROL_CANNY",
        ),
        *(CANNY.id[:10], f"another name [{CANNY.id[:8]}]", f"control_canny [{CANNY.id[:10]}]"),
    ],
)
def test_a_control_has_several_names(ready: Service, name: str) -> None:
    found = answer(ready, units(unit(RED, model=name)))
    assert found["info"]["warnings"] == []
    assert ready.generator.drawn[-1].controls[0].model_id == CANNY.id


def test_digits_of_another_program_are_told(ready: Service) -> None:
    found = answer(ready, units(unit(RED, model="control_canny [d14c016b]")))
    (warning,) = found["info"]["warnings"]
    assert "d14c016b" in warning
    assert TITLE in warning


def test_an_unknown_control_is_404(ready: Service) -> None:
    for name in ("depth", "depth [12345678]", "a"):
        response = ready.client.post(TXT2IMG, json=units(unit(RED, model=name)), headers=AUTHORIZED)
        error = error_of(response, 404)
        assert error["detail"][0]["loc"][1:] == ["alwayson_scripts", "ControlNet.args[0].model"]
        assert "GET /controlnet/model_list lists all" in error["errors"]
    assert ready.generator.drawn == []


def test_a_name_of_two_controls_is_404_with_both(ready: Service) -> None:
    other = addon("models/other/control_canny.pth", ModelKind.CONTROLNET)
    with_models(ready, other)
    response = ready.client.post(TXT2IMG, json=units(unit(RED)), headers=AUTHORIZED)
    errors = error_of(response, 404)["errors"]
    assert CANNY.path in errors
    assert other.path in errors
    assert drawn_by(ready, units(unit(RED, model=f"x [{other.id[:8]}]"))).controls[0].model_id == (
        other.id
    )


def test_a_control_of_another_kind_is_not_found(ready: Service) -> None:
    with_models(ready, addon("models/style.safetensors", ModelKind.LORA))
    response = ready.client.post(TXT2IMG, json=units(unit(RED, model="style")), headers=AUTHORIZED)
    error_of(response, 404)


def test_several_units_are_drawn_together(ready: Service) -> None:
    sent = units(unit(RED), unit(BLUE, weight=0.3), {}, unit(RED, enabled=False))
    request = drawn_by(ready, sent)
    assert [each.image.id for each in request.controls] == [sha(RED), sha(BLUE)]


def test_the_maps_follow_the_pictures(ready: Service) -> None:
    sent = units(unit(RED, module="invert"), unit(BLUE), batch_size=2)
    images = answer(ready, sent)["images"]
    maps = [opened(each) for each in images[2:]]
    assert [(each.size, each.getpixel((9, 9))) for each in maps] == [
        ((256, 256), (0, 255, 255)),
        ((256, 256), (0, 0, 255)),
    ]


def test_maps_that_are_not_wanted_are_left_out(ready: Service) -> None:
    assert len(answer(ready, units(unit(RED, save_detected_map=False)))["images"]) == 1
    assert len(answer(ready, units(unit(RED), unit(BLUE, save_detected_map=0)))["images"]) == 2
    assert answer(ready, units(unit(RED), send_images=False))["images"] == []


def test_a_second_pass_has_maps_of_both_sizes(ready: Service) -> None:
    found = answer(ready, units(unit(RED), enable_hr=True, hr_scale=1.5))
    assert [opened(each).size for each in found["images"][1:]] == [(384, 384), (256, 256)]


def test_a_unit_without_a_picture_follows_the_initial_image(ready: Service) -> None:
    scripts = {"controlnet": {"args": [unit(module="canny", resize_mode=2)]}}
    sent = from_picture(alwayson_scripts=scripts, resize_mode=1)
    request = drawn_by(ready, sent, IMG2IMG)
    assert request.source is not None
    assert request.controls[0].image == request.source.init_image
    assert request.controls[0].resize_mode is ResizeMode.CROP
    assert len(answer(ready, sent, IMG2IMG)["images"]) == 2


def test_a_unit_keeps_its_own_picture_in_img2img(ready: Service) -> None:
    scripts = {"controlnet": {"args": [unit(BLUE, resize_mode=2)]}}
    request = drawn_by(ready, from_picture(alwayson_scripts=scripts), IMG2IMG)
    assert (request.controls[0].image.id, request.controls[0].resize_mode) == (sha(BLUE), "pad")


def test_several_initial_images_have_the_control_of_the_first(ready: Service) -> None:
    scripts = {"controlnet": {"args": [unit()]}}
    sent = from_picture(alwayson_scripts=scripts) | {"init_images": [RED, BLUE]}
    found = answer(ready, sent, IMG2IMG)
    assert {each.controls[0].image.id for each in ready.generator.drawn[-2:]} == {sha(RED)}
    assert len(found["images"]) == 3


def test_a_unit_without_any_picture_is_refused(ready: Service) -> None:
    assert refused(ready, units(unit()), TXT2IMG) == {
        f"{AT}.image": "is required: send the picture that the ControlNet follows"
    }


@pytest.mark.parametrize("colour", [0, 255, 128])
def test_a_mask_of_one_colour_hides_nothing(ready: Service, colour: int) -> None:
    mask = picture(colour, (64, 48), "L")
    assert len(drawn_by(ready, units(unit(RED, mask=mask))).controls) == 1


def test_a_mask_that_hides_something_is_refused(ready: Service) -> None:
    stream = io.BytesIO()
    mask = Image.new("L", (64, 48))
    mask.putpixel((3, 3), 255)
    mask.save(stream, "PNG")
    text = base64.b64encode(stream.getvalue()).decode()
    assert list(refused(ready, units(unit(RED, mask=text)), TXT2IMG)) == [f"{AT}.mask"]
    broken = base64.b64encode(b"text").decode()
    assert list(refused(ready, units(unit(RED, mask=broken)), TXT2IMG)) == [f"{AT}.mask"]


def test_a_picture_that_cannot_be_read_is_named(ready: Service) -> None:
    broken = base64.b64encode(b"text").decode()
    assert list(refused(ready, units(unit(RED), unit(broken)), TXT2IMG)) == [
        f"{AT.replace('[0]', '[1]')}.image"
    ]


def test_every_wrong_field_of_the_body_is_named_at_once(ready: Service) -> None:
    sent = units(unit(RED, weight=3, module="x"), steps=0, restore_faces=True)
    assert set(refused(ready, sent, TXT2IMG)) == {
        *("steps", "restore_faces", f"{AT}.weight", f"{AT}.module"),
    }


def test_another_script_beside_is_still_refused(ready: Service) -> None:
    sent = units(unit(RED))
    sent["alwayson_scripts"]["ADetailer"] = {"args": [True]}
    assert "'ADetailer'" in refused(ready, sent, TXT2IMG)["alwayson_scripts"]


@pytest.mark.parametrize(
    "changes, ignored",
    [
        ({}, [f"{AT}.processor_res"]),
        ({"processor_res": 256}, []),
        ({"pixel_perfect": True}, []),
        ({"module": "none"}, []),
        ({"processor_res": 256, "unheard_of": 1}, [f"{AT}.unheard_of"]),
    ],
)
def test_fields_that_are_not_followed_are_named(
    ready: Service, changes: dict[str, Any], ignored: list[str]
) -> None:
    found = answer(ready, units(unit(RED, **({"module": "canny"} | changes))))
    assert found["info"]["ignored"] == ignored


def test_only_some_of_many_unknown_fields_are_named_and_none_in_full(ready: Service) -> None:
    many = {f"{number}-{'x' * 1000}": 1 for number in range(500)}
    ignored = answer(ready, units(unit(RED, **many)))["info"]["ignored"]
    assert len(ignored) == 20
    assert max(map(len, ignored)) <= 64


def test_what_webuiapi_sends_is_accepted(ready: Service) -> None:
    """`ControlNetUnit.to_dict` of webuiapi 0.9, with its defaults."""
    sent = {
        **{"image": RED, "mask": None, "module": "canny", "model": TITLE, "weight": 1.0},
        **{"resize_mode": "Resize and Fill", "low_vram": False, "processor_res": 512},
        **{"threshold_a": 64, "threshold_b": 64, "guidance_start": 0.0, "guidance_end": 1.0},
        **{
            "control_mode": "Balanced",
            "pixel_perfect": False,
            "hr_option": "Both",
            "enabled": True,
        },
    }
    (control,) = drawn_by(ready, units(sent)).controls
    assert control.preprocessor == Preprocessor(name="canny", low=64, high=64)


def test_a_control_that_cannot_be_used_is_refused_with_its_reason(ready: Service) -> None:
    broken = dataclasses.replace(
        addon("models/broken.pth", ModelKind.CONTROLNET), is_companion=False, reason="it is cut off"
    )
    with_models(ready, broken)
    response = ready.client.post(TXT2IMG, json=units(unit(RED, model="broken")), headers=AUTHORIZED)
    assert "it is cut off" in error_of(response, 422)["errors"]
