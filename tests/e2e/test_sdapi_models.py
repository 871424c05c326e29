"""Two models and two callers of AUTOMATIC1111's API: each draws with the model it has chosen.

`webuiapi` chooses by itself. The test sends the requests of SillyTavern and Open WebUI in their
order: SillyTavern's from `src/endpoints/stable-diffusion.js`, Open WebUI's from
`routers/images.py`.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import webuiapi

from tests.e2e.service import API_KEY, RunningService, run_service
from tests.paths import DEMO_CHECKPOINT

pytestmark = pytest.mark.torch

OTHER_KEY = "another-key-of-the-end-to-end-tests"
PROMPT = {"prompt": "a red circle", "steps": 1, "width": 256, "height": 256}
# Headers of SillyTavern at its defaults; it forwards the first two, which were meant for itself.
SILLY_TAVERN = {
    **{"url": "http://127.0.0.1:8000", "auth": f"me:{API_KEY}", "negative_prompt": "lowres"},
    **{"sampler_name": "DDIM", "scheduler": "normal", "cfg_scale": 7, "restore_faces": False},
    **{"enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 2, "hr_additional_modules": []},
    **{"denoising_strength": 0.7, "hr_second_pass_steps": 0, "clip_skip": 1},
    **{"override_settings": {"CLIP_stop_at_last_layers": 1}, "save_images": True},
    **{"override_settings_restore_afterwards": True, "send_images": True},
    **{"do_not_save_grid": False, "do_not_save_samples": False},
}
OPEN_WEBUI = {"batch_size": 1, "negative_prompt": ""}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    models = folder / "models"
    models.mkdir()
    data = DEMO_CHECKPOINT.read_bytes()
    (models / "demo.safetensors").write_bytes(data)
    # The same weights with another licence in the metadata, and therefore another id.
    assert data.count(b'"CC0-1.0"') == 1
    (models / "second.safetensors").write_bytes(data.replace(b'"CC0-1.0"', b'"CC0-2.0"'))
    keys = f"{API_KEY},{OTHER_KEY}"
    with run_service(models, folder, API_KEYS=keys) as running:
        yield running


def connect(service: RunningService, key: str) -> webuiapi.WebUIApi:
    host, port = service.url.removeprefix("http://").split(":")
    api = webuiapi.WebUIApi(host=host, port=int(port), username="anybody", password=key)
    api.session.trust_env = False
    return api


def ask(service: RunningService, key: str, method: str, path: str, body: object = None) -> Any:
    pair = base64.b64encode(f"me:{key}".encode()).decode()
    answer = service.call(
        method, f"/sdapi/v1/{path}", body, headers={"Authorization": f"Basic {pair}"}
    )
    assert answer.status == 200, answer.body
    return answer.json


def test_webuiapi_sets_a_model_for_its_own_caller_only(service: RunningService) -> None:
    one, two = connect(service, API_KEY), connect(service, OTHER_KEY)
    one.util_set_model("second")
    two.util_set_model("demo")
    for api, name in ((one, "second"), (two, "demo"), (one, "second")):
        assert api.util_get_current_model().startswith(f"{name}.safetensors [")
        assert api.txt2img(**PROMPT).info["sd_model_name"] == name
    assert one.refresh_checkpoints() is None
    assert one.get_memory()["ram"]["used"] > 0
    for api in (one, two):
        api.session.close()


def test_sillytavern_draws_with_the_model_that_it_sets(service: RunningService) -> None:
    titles = [model["title"] for model in ask(service, API_KEY, "GET", "sd-models")]
    for title in (titles[1], titles[0], titles[1]):
        ask(service, API_KEY, "GET", "options")
        ask(service, API_KEY, "POST", "options", {"sd_model_checkpoint": title})
        progress = ask(service, API_KEY, "GET", "progress")
        assert (progress["progress"], progress["state"]["job_count"]) == (0.0, 0)
        answer = ask(service, API_KEY, "POST", "txt2img", SILLY_TAVERN | PROMPT)
        info = json.loads(answer["info"])
        assert title.startswith(f"{info['sd_model_name']}.")
        assert {"url", "auth"} <= set(info["ignored"])
        assert API_KEY not in json.dumps(answer)
    assert API_KEY not in service.output


def test_open_webui_sends_all_options_back(service: RunningService) -> None:
    titles = [model["title"] for model in ask(service, OTHER_KEY, "GET", "sd-models")]
    for title in (titles[1], titles[0]):
        options = ask(service, OTHER_KEY, "GET", "options") | {"sd_model_checkpoint": title}
        ask(service, OTHER_KEY, "POST", "options", options)
        answer = ask(service, OTHER_KEY, "POST", "txt2img", OPEN_WEBUI | PROMPT)
        assert title.startswith(f"{json.loads(answer['info'])['sd_model_name']}.")


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/jobs/", "/openai/v1/models/", "/nope/"])
def test_a_key_in_a_url_never_reaches_the_log(service: RunningService, path: str) -> None:
    answer = service.call("GET", f"{path}{API_KEY}", headers={"X-Request-ID": API_KEY})
    assert answer.status == 404
    assert API_KEY not in f"{answer.headers}{answer.body!r}"
    service.wait_for_line(f"GET {path}«…» 404")
    assert API_KEY not in service.output
