"""A client of AUTOMATIC1111's API, `webuiapi`, against gunicorn and the demo checkpoint."""

import re
import threading
from collections.abc import Iterator

import pytest
import webuiapi

from tests.e2e.service import API_KEY, RunningService, run_demo_service

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with run_demo_service(tmp_path_factory.mktemp("service")) as running:
        yield running


def connect(service: RunningService, password: str = API_KEY) -> webuiapi.WebUIApi:
    host, port = service.url.removeprefix("http://").split(":")
    api = webuiapi.WebUIApi(host=host, port=int(port), username="anybody", password=password)
    api.session.trust_env = False
    return api


@pytest.fixture(scope="module")
def api(service: RunningService) -> Iterator[webuiapi.WebUIApi]:
    api = connect(service)
    yield api
    api.session.close()


def draw(api: webuiapi.WebUIApi, **changes: object) -> webuiapi.WebUIApiResult:
    asked = {"prompt": "a red circle", "seed": 7, "steps": 8, "width": 256, "height": 256}
    return api.txt2img(**(asked | changes))


def test_the_client_lists_models_and_samplers(api: webuiapi.WebUIApi) -> None:
    (title,) = api.util_get_model_names()
    assert re.fullmatch(r"demo\.safetensors \[[0-9a-f]{10}\]", title)
    assert api.util_get_current_model() == title
    assert {"Euler a", "DPM++ 2M"} <= set(api.util_get_sampler_names())
    assert "karras" in api.util_get_scheduler_names()
    assert api.get_loras() == []
    assert api.get_scripts() == {"txt2img": ["controlnet"], "img2img": ["controlnet"]}
    api.util_set_model("demo")
    assert api.util_get_current_model() == title


def test_the_client_draws_pictures_and_reads_their_parameters(api: webuiapi.WebUIApi) -> None:
    result = draw(
        api, negative_prompt="blue", sampler_name="DPM++ 2M", scheduler="Karras", n_iter=2
    )
    assert [(image.format, image.size) for image in result.images] == [("PNG", (256, 256))] * 2
    assert result.info["all_seeds"] == [7, 8]
    text = result.image.info["parameters"]
    assert result.info["infotexts"][0] == text
    assert "Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 7, Size: 256x256" in text
    told = api.png_info(result.images[1])
    assert told.info == result.info["infotexts"][1]
    assert told.parameters["Negative prompt"] == "blue"
    (again,) = draw(
        api,
        prompt=told.parameters["Prompt"],
        negative_prompt="blue",
        seed=int(told.parameters["Seed"]),
        sampler_name=told.parameters["Sampler"],
    ).images
    assert again.tobytes() == result.images[1].tobytes()


def test_each_request_chooses_its_checkpoint(api: webuiapi.WebUIApi) -> None:
    (title,) = api.util_get_model_names()
    named = draw(api, override_settings={"sd_model_checkpoint": title})
    assert named.image.tobytes() == draw(api).image.tobytes()
    with pytest.raises(RuntimeError, match="gone"):
        draw(api, override_settings={"sd_model_checkpoint": "gone"})


def test_the_client_sees_the_progress_and_interrupts(
    service: RunningService, api: webuiapi.WebUIApi
) -> None:
    api.util_wait_for_ready(check_interval=0.1)
    ends: list[str] = []

    def wait() -> None:
        other = connect(service)
        try:
            draw(other, steps=150, width=768, height=768)
        except RuntimeError as error:
            ends.append(str(error))
        other.session.close()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not ((seen := api.get_progress())["current_image"] and seen["eta_relative"]):
        assert waiting.is_alive()
    assert 0 < seen["progress"] < 1
    assert (seen["state"]["job_count"], seen["state"]["sampling_steps"]) == (1, 150)
    assert api.interrupt() == {}
    waiting.join(60)
    assert "409" in ends[0]
    api.util_wait_for_ready(check_interval=0.1)


def test_the_client_raises_errors(service: RunningService, api: webuiapi.WebUIApi) -> None:
    with pytest.raises(RuntimeError, match="restore_faces"):
        draw(api, restore_faces=True)
    with pytest.raises(RuntimeError, match=r"422.*width"):
        draw(api, width=64)
    with pytest.raises(RuntimeError, match=r"422.*sampler_name"):
        draw(api, sampler_name="Restart")
    stranger = connect(service, password="wrong")
    with pytest.raises(RuntimeError, match="401"):
        draw(stranger)
    stranger.session.close()
