"""Additions to the checkpoint, by a client of AUTOMATIC1111's API and by one of OpenAI's.

They draw with the demo checkpoint and its companions, on gunicorn.
"""

import base64
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import webuiapi
from PIL import Image, ImageDraw

from tests.e2e.service import API_KEY, RunningService, run_service
from tests.paths import ROOT

pytestmark = pytest.mark.torch
LORA, EMBEDDING, CONTROL = "demo-blueprint", "demo-aurora", "demo-outlines"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    with run_service(ROOT / "ai-models", folder, DEFAULT_MODEL="demo") as running:
        yield running


@pytest.fixture(scope="module")
def api(service: RunningService) -> Iterator[webuiapi.WebUIApi]:
    host, port = service.url.removeprefix("http://").split(":")
    api = webuiapi.WebUIApi(host=host, port=int(port), username="anybody", password=API_KEY)
    api.session.trust_env = False
    yield api
    api.session.close()


def draw(api: webuiapi.WebUIApi, **changes: object) -> webuiapi.WebUIApiResult:
    asked = {"prompt": "a red circle", "seed": 7, "steps": 3, "width": 256, "height": 256}
    # The client keeps the ControlNets of one call in a default argument of its next calls.
    return api.txt2img(alwayson_scripts={}, **(asked | changes))


@pytest.fixture(scope="module")
def plain(api: webuiapi.WebUIApi) -> Image.Image:
    return draw(api).image


def outline() -> Image.Image:
    image = Image.new("RGB", (256, 256))
    ImageDraw.Draw(image).ellipse((64, 64, 192, 192), outline="white", width=3)
    return image


def test_the_client_lists_what_can_be_added(api: webuiapi.WebUIApi) -> None:
    assert LORA in [each["name"] for each in api.get_loras()]
    assert api.get_embeddings()["loaded"][EMBEDDING]["vectors"] >= 1
    assert [each.split(" ")[0] for each in api.controlnet_model_list()] == [CONTROL]
    assert api.controlnet_module_list() == ["none", "canny", "invert"]
    assert api.get_scripts() == {"txt2img": ["controlnet"], "img2img": ["controlnet"]}


def test_a_lora_belongs_to_one_request(api: webuiapi.WebUIApi, plain: Image.Image) -> None:
    styled = draw(api, prompt=f"a red circle <lora:{LORA}:1>")
    assert styled.image.tobytes() != plain.tobytes()
    assert f"<lora:{LORA}:1>" in styled.info["infotexts"][0]
    assert f"{LORA}: " in styled.info["extra_generation_params"]["Lora hashes"]
    assert draw(api).image.tobytes() == plain.tobytes()
    assert draw(api, prompt=f"a red circle<lora:{LORA}:0>").image.tobytes() == plain.tobytes()


def test_a_word_is_an_embedding(api: webuiapi.WebUIApi, plain: Image.Image) -> None:
    drawn = draw(api, prompt=f"a red circle, {EMBEDDING}")
    assert drawn.image.tobytes() != plain.tobytes()
    assert EMBEDDING in drawn.info["extra_generation_params"]["TI hashes"]


def test_a_controlnet_follows_a_map(api: webuiapi.WebUIApi, plain: Image.Image) -> None:
    unit = webuiapi.ControlNetUnit(image=outline(), model=api.controlnet_model_list()[0])
    drawn = draw(api, controlnet_units=[unit])
    picture, followed = drawn.images
    assert picture.tobytes() != plain.tobytes()
    assert followed.tobytes() == outline().tobytes()
    assert CONTROL in drawn.info["infotexts"][0]


def test_the_map_in_the_answer_is_that_of_detect(api: webuiapi.WebUIApi) -> None:
    photo = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(photo).rectangle((60, 60, 200, 200), fill="blue")
    unit = webuiapi.ControlNetUnit(
        image=photo, module="canny", model=CONTROL, processor_res=256, guidance_end=0.5
    )
    found = api.controlnet_detect([photo], module="canny", processor_res=256)
    drawn = draw(api, controlnet_units=[unit])
    assert drawn.info["ignored"] == []
    assert drawn.images[1].tobytes() == found.image.convert("RGB").tobytes()
    assert len(set(found.image.convert("L").tobytes())) == 2


def test_a_unit_of_img2img_follows_the_initial_image(api: webuiapi.WebUIApi) -> None:
    drawn = api.img2img(
        images=[outline()],
        prompt="a red circle",
        steps=3,
        width=256,
        height=256,
        denoising_strength=1,
        controlnet_units=[webuiapi.ControlNetUnit(model=CONTROL)],
        alwayson_scripts={},
    )
    assert drawn.images[1].tobytes() == outline().tobytes()


def test_weights_and_clip_skip_change_the_picture(
    api: webuiapi.WebUIApi, plain: Image.Image
) -> None:
    assert draw(api, prompt="a (red:1.5) circle").image.tobytes() != plain.tobytes()
    skipped = draw(api, override_settings={"CLIP_stop_at_last_layers": 2})
    assert skipped.image.tobytes() != plain.tobytes()
    assert skipped.info["clip_skip"] == 2


@pytest.mark.parametrize("prompt", ["<lora:none:1>", f"<lora:{CONTROL}:1>", "<hypernet:x:1>"])
def test_what_is_not_there_is_told(api: webuiapi.WebUIApi, prompt: str) -> None:
    with pytest.raises(RuntimeError, match=r"404.*is not there|422.*hypernetworks"):
        draw(api, prompt=prompt)


def test_the_client_of_openai_has_them_as_further_fields(
    service: RunningService, plain: Image.Image
) -> None:
    more: dict[str, Any] = {
        **{"seed": 7, "num_inference_steps": 3, "guidance_scale": 7},
        "loras": [{"model_id": LORA, "scale": 0.5}],
    }
    client = openai.OpenAI(api_key=API_KEY, base_url=f"{service.url}/openai/v1")
    answer = client.images.generate(prompt="a red circle", size="256x256", extra_body=more)
    assert answer.data
    drawn = Image.open(io.BytesIO(base64.b64decode(answer.data[0].b64_json or "")))
    assert drawn.size == (256, 256)
    stream = io.BytesIO()
    plain.save(stream, "PNG")
    edited = client.images.edit(
        prompt="a red circle",
        image=("a.png", stream.getvalue(), "image/png"),
        extra_body=more | {"strength": 0.9, "clip_skip": 2},
    )
    assert edited.data
    text = Image.open(io.BytesIO(base64.b64decode(edited.data[0].b64_json or ""))).info
    assert f"<lora:{LORA}:0.5>" in text["parameters"]
    assert "Clip skip: 2" in text["parameters"]
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(prompt="p", extra_body={"loras": [{"model_id": "none"}]})
    assert caught.value.param == "loras[0].model_id"
    client.close()
