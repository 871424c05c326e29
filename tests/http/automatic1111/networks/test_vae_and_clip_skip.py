"""Another VAE and the clip skip: of a request, and of a caller's options."""

import dataclasses
import json
from typing import Any

import pytest

from domain.generation.parts import PromptSyntax
from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind
from tests.http.automatic1111.addons import addon, with_models
from tests.http.automatic1111.sdapi import TXT2IMG, body, drawn_by, error_of, places_of, refused
from tests.http.conftest import AUTHORIZED, OTHERS, Service

OPTIONS = "/sdapi/v1/options"
VAE = addon("models/vae/vae-ft-mse.safetensors", ModelKind.VAE)
SETTING = "override_settings.sd_vae"
CLIP = "CLIP_stop_at_last_layers"


@pytest.fixture
def ready(service: Service) -> Service:
    return with_models(service, VAE)


def settings(**each: object) -> dict[str, Any]:
    return body(override_settings=each)


def options(service: Service, headers: dict[str, str] = AUTHORIZED) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get(OPTIONS, headers=headers).get_json()
    return found


def choose(service: Service, **each: object) -> None:
    response = service.client.post(OPTIONS, json=each, headers=AUTHORIZED)
    assert (response.status_code, response.get_json()) == (200, None)


def drawn(service: Service, headers: dict[str, str] = AUTHORIZED, **sent: Any) -> GenerationRequest:
    response = service.client.post(TXT2IMG, json=body(**sent), headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return service.generator.drawn[-1]


@pytest.mark.parametrize(
    "name", ["vae-ft-mse.safetensors", "vae-ft-mse", "VAE-FT-MSE", VAE.path, VAE.id, VAE.id[:10]]
)
def test_a_request_names_a_vae(ready: Service, name: str) -> None:
    assert drawn_by(ready, settings(sd_vae=name)).vae_id == VAE.id


@pytest.mark.parametrize("name", ["Automatic", "None", "automatic", "none", "", None])
def test_these_names_mean_the_vae_of_the_checkpoint(ready: Service, name: object) -> None:
    assert drawn_by(ready, settings(sd_vae=name)).vae_id is None


def test_the_answer_tells_the_vae(ready: Service) -> None:
    sent = settings(sd_vae="vae-ft-mse")
    info = json.loads(ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()["info"])
    assert (info["sd_vae_name"], info["sd_vae_hash"]) == (VAE.name, VAE.id[:10])
    told = info["extra_generation_params"]
    assert (told["VAE"], told["VAE hash"]) == (VAE.name, VAE.id[:10])
    info = json.loads(
        ready.client.post(TXT2IMG, json=body(), headers=AUTHORIZED).get_json()["info"]
    )
    assert (info["sd_vae_name"], info["sd_vae_hash"]) == (None, None)
    assert "VAE" not in info["extra_generation_params"]


def test_an_unknown_vae_is_404(ready: Service) -> None:
    with_models(ready, addon("models/style.pt", ModelKind.LORA))
    for name in ("none.pt", "style"):
        response = ready.client.post(TXT2IMG, json=settings(sd_vae=name), headers=AUTHORIZED)
        error = error_of(response, 404)
        assert error["detail"][0]["loc"] == ["body", "override_settings", "sd_vae"]
        assert error["errors"] == f"the VAE '{name}' is not there; GET /sdapi/v1/sd-vae lists all"


def test_a_vae_that_cannot_be_used_is_refused_with_its_reason(ready: Service) -> None:
    broken = dataclasses.replace(
        addon("models/broken.pt", ModelKind.VAE), is_companion=False, reason="it is cut off"
    )
    with_models(ready, broken)
    response = ready.client.post(TXT2IMG, json=settings(sd_vae="broken"), headers=AUTHORIZED)
    assert "it is cut off" in error_of(response, 422)["errors"]
    response = ready.client.post(OPTIONS, json={"sd_vae": "broken"}, headers=AUTHORIZED)
    assert "it is cut off" in error_of(response, 422)["errors"]


def test_a_chosen_vae_decodes_for_its_caller_alone(ready: Service) -> None:
    assert options(ready)["sd_vae"] == "Automatic"
    choose(ready, sd_vae="vae-ft-mse")
    assert options(ready)["sd_vae"] == VAE.name
    assert drawn(ready).vae_id == VAE.id
    assert (options(ready, OTHERS)["sd_vae"], drawn(ready, OTHERS).vae_id) == ("Automatic", None)
    choose(ready, **options(ready))
    assert drawn(ready).vae_id == VAE.id
    assert drawn(ready, override_settings={"sd_vae": "Automatic"}).vae_id is None
    choose(ready, sd_vae="None")
    assert (options(ready)["sd_vae"], drawn(ready).vae_id) == ("None", None)


def test_an_unknown_vae_is_not_chosen(ready: Service) -> None:
    choose(ready, sd_vae="vae-ft-mse")
    response = ready.client.post(OPTIONS, json={"sd_vae": "other.pt"}, headers=AUTHORIZED)
    assert error_of(response, 404)["detail"][0]["loc"] == ["body", "sd_vae"]
    for wrong in (5, True, "n" * 4097):
        response = ready.client.post(OPTIONS, json={"sd_vae": wrong}, headers=AUTHORIZED)
        assert list(places_of(response)) == ["sd_vae"]
    assert options(ready)["sd_vae"] == VAE.name


def test_a_chosen_vae_that_is_gone_is_never_replaced(ready: Service) -> None:
    choose(ready, sd_vae="vae-ft-mse")
    ready.source.others = ()
    ready.container.model_registry().refresh()
    response = ready.client.post(TXT2IMG, json=body(), headers=AUTHORIZED)
    error = error_of(response, 404)
    assert (error["detail"][0]["loc"], VAE.name in error["errors"]) == (["body", "sd_vae"], True)
    assert ready.generator.drawn == []


@pytest.mark.parametrize("value", [1, 2, 3, "2", 2.0])
def test_a_request_has_a_clip_skip(ready: Service, value: Any) -> None:
    expected = int(value)
    assert drawn_by(ready, settings(**{CLIP: value})).clip_skip == expected
    assert drawn_by(ready, body(clip_skip=value)).clip_skip == expected


def test_a_clip_skip_past_the_layers_is_named_as_it_was_sent(ready: Service) -> None:
    for sent, place in (
        (settings(**{CLIP: 4}), f"override_settings.{CLIP}"),
        (body(clip_skip=4), "clip_skip"),
    ):
        assert "3 layers" in refused(ready, sent, TXT2IMG)[place]
    choose(ready, **{CLIP: 4})
    assert "3 layers" in refused(ready, body(), TXT2IMG)[CLIP]


def test_the_setting_comes_before_the_other_name(ready: Service) -> None:
    assert drawn_by(ready, settings(**{CLIP: 3}) | {"clip_skip": 2}).clip_skip == 3


@pytest.mark.parametrize("value", [None, 0, "", False])
def test_an_empty_clip_skip_means_that_of_the_options(ready: Service, value: object) -> None:
    assert drawn_by(ready, settings(**{CLIP: value}) | {"clip_skip": value}).clip_skip == 1
    choose(ready, **{CLIP: 2})
    assert drawn_by(ready, settings(**{CLIP: value}) | {"clip_skip": value}).clip_skip == 2


@pytest.mark.parametrize("value", [13, -1, 1.5, "many", True, [1]])
def test_a_wrong_clip_skip_is_named(ready: Service, value: object) -> None:
    assert list(refused(ready, settings(**{CLIP: value}), TXT2IMG)) == [f"override_settings.{CLIP}"]
    assert list(refused(ready, body(clip_skip=value), TXT2IMG)) == ["clip_skip"]
    response = ready.client.post(OPTIONS, json={CLIP: value}, headers=AUTHORIZED)
    assert list(places_of(response)) == [CLIP]


def test_a_chosen_clip_skip_holds_for_its_caller_alone(ready: Service) -> None:
    choose(ready, **{CLIP: 2})
    assert (options(ready)[CLIP], drawn(ready).clip_skip) == (2, 2)
    assert (options(ready, OTHERS)[CLIP], drawn(ready, OTHERS).clip_skip) == (1, 1)
    assert drawn(ready, override_settings={CLIP: 1}).clip_skip == 1
    choose(ready, **{CLIP: 0})
    assert options(ready)[CLIP] == 1


def test_the_answer_tells_the_clip_skip(ready: Service) -> None:
    sent = settings(**{CLIP: 2})
    info = json.loads(ready.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()["info"])
    assert (info["clip_skip"], info["extra_generation_params"]["Clip skip"]) == (2, "2")


def test_prompts_have_the_grammar_of_the_web_ui(ready: Service) -> None:
    assert drawn_by(ready, body(prompt="(a:1.2)")).prompt_syntax is PromptSyntax.WEIGHTED
