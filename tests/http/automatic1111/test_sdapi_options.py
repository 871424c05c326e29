"""Options in AUTOMATIC1111's API: each caller has its own."""

import base64
import dataclasses
import io
import json
import threading
from typing import Any

import pytest
from PIL import Image

from adapters.http.automatic1111.options import CallersOptions
from domain.models.record import ModelRecord
from tests.fakes.model_source import model_record
from tests.http.automatic1111.sdapi import TXT2IMG, body, checkpoint, error_of, places_of
from tests.http.conftest import AUTHORIZED, MODEL, OTHERS, Service, documented_app
from tests.http.helpers import bearer, make_token

URL = "/sdapi/v1/options"
OTHER = model_record(b"others", "models/b/b.ckpt")
TITLE, OTHER_TITLE = (f"{model.name} [{model.id[:10]}]" for model in (MODEL, OTHER))


@pytest.fixture
def two_models(service: Service) -> Service:
    service.source.files[OTHER.path] = b"others"
    service.source.others = (
        dataclasses.replace(model_record(b"l", "models/0.pt"), reason="it is a LoRA"),
    )
    service.container.model_registry().refresh()
    return service


def read(service: Service, headers: dict[str, str] = AUTHORIZED) -> dict[str, Any]:
    options: dict[str, Any] = service.client.get(URL, headers=headers).get_json()
    return options


def choose(service: Service, name: object, headers: dict[str, str] = AUTHORIZED) -> None:
    sent = {"sd_model_checkpoint": name}
    response = service.client.post(URL, json=sent, headers=headers)
    assert (response.status_code, response.get_json()) == (200, None)


def drawn_with(
    service: Service, sent: dict[str, object] | None = None, headers: dict[str, str] = AUTHORIZED
) -> ModelRecord:
    """Return the model that draws a picture, which its answer names too."""
    response = service.client.post(TXT2IMG, json=sent or body(), headers=headers)
    info = json.loads(response.get_json()["info"])
    (model,) = (each for each in (MODEL, OTHER) if info["sd_model_hash"] == each.id[:10])
    assert service.generator.drawn[-1].model_id == model.id
    return model


def forget(service: Service, path: str) -> None:
    del service.source.files[path]
    service.container.model_registry().refresh()


def test_without_a_choice_the_default_is_shown_and_draws(two_models: Service) -> None:
    assert read(two_models) == {
        **{"sd_model_checkpoint": TITLE, "sd_checkpoint_hash": MODEL.id},
        **{"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1},
        **{"samples_format": "png", "jpeg_quality": 90},
    }
    assert drawn_with(two_models) == MODEL
    two_models.source.files.clear()
    two_models.container.model_registry().refresh()
    assert read(two_models)["sd_model_checkpoint"] is None


@pytest.mark.parametrize(
    "name",
    [OTHER_TITLE, OTHER.name, "b", OTHER.path, OTHER.id, OTHER.id[:10], f"b [{OTHER.id[:10]}]"],
)
def test_the_chosen_checkpoint_draws(two_models: Service, name: str) -> None:
    choose(two_models, name)
    options = read(two_models)
    assert (options["sd_model_checkpoint"], options["sd_checkpoint_hash"]) == (
        *(OTHER_TITLE, OTHER.id),
    )
    assert drawn_with(two_models) == OTHER
    choose(two_models, TITLE)
    assert drawn_with(two_models) == MODEL


def test_a_choice_applies_to_its_caller_only(two_models: Service) -> None:
    token = bearer(make_token({"sub": "somebody"}))
    choose(two_models, "b")
    for headers in (OTHERS, token):
        assert read(two_models, headers)["sd_model_checkpoint"] == TITLE
        assert drawn_with(two_models, headers=headers) == MODEL
    choose(two_models, "b", token)
    choose(two_models, "a")
    assert drawn_with(two_models, headers=token) == OTHER
    assert drawn_with(two_models, headers=OTHERS) == MODEL
    again = bearer(make_token({"sub": "somebody", "scope": "inference:run"}))
    assert drawn_with(two_models, headers=again) == OTHER


def test_an_override_in_a_request_wins_and_changes_no_option(two_models: Service) -> None:
    choose(two_models, "b")
    assert drawn_with(two_models, checkpoint("a")) == MODEL
    for name in ("", None):
        assert drawn_with(two_models, checkpoint(name)) == OTHER
    assert drawn_with(two_models) == OTHER


def test_all_options_can_be_sent_back_with_one_changed(two_models: Service) -> None:
    """Send options as Open WebUI does: `sd_checkpoint_hash` is still that of the old model."""
    sent = read(two_models) | {"sd_model_checkpoint": OTHER_TITLE}
    assert two_models.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200
    assert drawn_with(two_models) == OTHER
    sent = read(two_models)
    assert two_models.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200
    assert read(two_models) == sent


def test_a_chosen_default_stays_chosen(two_models: Service) -> None:
    choose(two_models, "a")
    two_models.source.files["models/0.safetensors"] = b"the first"
    two_models.container.model_registry().refresh()
    assert drawn_with(two_models) == MODEL


def test_an_empty_name_restores_the_default_and_null_changes_nothing(two_models: Service) -> None:
    choose(two_models, "b")
    choose(two_models, None)
    assert drawn_with(two_models) == OTHER
    assert two_models.client.post(URL, json={}, headers=AUTHORIZED).status_code == 200
    assert two_models.client.post(URL, headers=AUTHORIZED).status_code == 200
    assert drawn_with(two_models) == OTHER
    choose(two_models, "")
    assert drawn_with(two_models) == MODEL


def test_a_missing_checkpoint_is_named_and_no_other_draws(
    two_models: Service,
) -> None:
    choose(two_models, "b")
    forget(two_models, OTHER.path)
    count = len(two_models.generator.drawn)
    response = two_models.client.post(TXT2IMG, json=body(), headers=AUTHORIZED)
    error = error_of(response, 404)
    assert error["error"] == "model_not_found"
    assert OTHER_TITLE in error["detail"]
    assert len(two_models.generator.drawn) == count
    assert read(two_models)["sd_model_checkpoint"] == OTHER_TITLE
    assert drawn_with(two_models, checkpoint("a")) == MODEL
    two_models.source.files[OTHER.path] = b"others"
    two_models.container.model_registry().refresh()
    assert drawn_with(two_models) == OTHER


def test_another_file_with_the_same_name_is_not_the_chosen_one(
    two_models: Service,
) -> None:
    choose(two_models, "b")
    two_models.source.files[OTHER.path] = b"changed"
    two_models.container.model_registry().refresh()
    response = two_models.client.post(TXT2IMG, json=body(), headers=AUTHORIZED)
    assert OTHER_TITLE in error_of(response, 404)["detail"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("sd_model_checkpoint", 1),
        ("sd_model_checkpoint", ["b"]),
        ("sd_model_checkpoint", "n" * 4097),
        ("CLIP_stop_at_last_layers", 13),
        ("sd_vae", 1),
        ("sd_hypernetwork", "h"),
        ("token_merging_ratio", 0.5),
        ("eta_noise_seed_delta", 31337),
        ("emphasis", "No norm"),
        ("emphasis", "None"),
        ("enable_emphasis", False),
        ("enable_prompt_comments", False),
        ("comma_padding_backtrack", 0),
        ("sdxl_clip_l_skip", True),
        ("samples_format", "avif"),
        ("samples_format", 1),
        ("jpeg_quality", 101),
        ("jpeg_quality", 0),
    ],
)
def test_an_unsupported_option_is_named_and_nothing_is_set(
    two_models: Service, name: str, value: object
) -> None:
    before = read(two_models)
    sent = {"sd_model_checkpoint": OTHER_TITLE, name: value}
    assert list(places_of(two_models.client.post(URL, json=sent, headers=AUTHORIZED))) == [name]
    assert read(two_models) == before


def test_an_unknown_checkpoint_is_not_found_and_nothing_is_set(two_models: Service) -> None:
    before = read(two_models)
    sent = {"sd_model_checkpoint": "gone", "samples_format": "webp"}
    response = two_models.client.post(URL, json=sent, headers=AUTHORIZED)
    assert "gone" in error_of(response, 404)["detail"]
    assert read(two_models) == before


def test_an_unusable_model_cannot_be_chosen(two_models: Service) -> None:
    sent = {"sd_model_checkpoint": "0.pt"}
    response = two_models.client.post(URL, json=sent, headers=AUTHORIZED)
    assert "LoRA" in error_of(response, 422)["detail"]
    assert drawn_with(two_models) == MODEL


def test_options_that_change_no_picture_are_accepted_and_ignored(two_models: Service) -> None:
    before = read(two_models)
    sent = {
        **{"samples_save": False, "unheard_of": 1, "outdir_samples": "/tmp", "n_rows": -1},
        **{"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1, "sd_checkpoint_hash": "0" * 64},
        **{"sd_hypernetwork": "None", "eta_ancestral": 1.0, "randn_source": "GPU"},
        **{"emphasis": "Original", "enable_prompt_comments": True, "comma_padding_backtrack": 20},
    }
    assert two_models.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200
    assert read(two_models) == before


@pytest.mark.parametrize("name, kind", [("jpg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
def test_a_format_and_its_quality_can_be_set(service: Service, name: str, kind: str) -> None:
    sent = {"samples_format": name, "jpeg_quality": 40}
    assert service.client.post(URL, json=sent, headers=AUTHORIZED).status_code == 200
    assert read(service)["jpeg_quality"] == 40
    answer = service.client.post(TXT2IMG, json=body(), headers=AUTHORIZED).get_json()
    with Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))) as image:
        assert image.format == kind
    assert service.generator.drawn[-1].quality == (None if kind == "PNG" else 40)
    overridden = body(override_settings={"samples_format": "webp", "jpeg_quality": 70})
    service.client.post(TXT2IMG, json=overridden, headers=AUTHORIZED)
    assert service.generator.drawn[-1].quality == 70
    overridden = body(override_settings={"jpeg_quality": 70})
    service.client.post(TXT2IMG, json=overridden, headers=AUTHORIZED)
    assert service.generator.drawn[-1].quality == (None if kind == "PNG" else 70)
    assert read(service, OTHERS)["samples_format"] == "png"


def test_the_least_recently_active_of_many_callers_is_forgotten(
    two_models: Service,
) -> None:
    options = CallersOptions(two_models.container.model_registry(), most=2)
    chosen = options.choose("b")
    for caller in ("first", "second"):
        options.set(caller, checkpoint=chosen)
    assert options.of("first").checkpoint == chosen
    options.set("third", checkpoint=chosen)
    kept = [options.of(caller).checkpoint for caller in ("first", "second", "third")]
    assert kept == [chosen, None, chosen]


def test_concurrent_callers_keep_their_own_options(two_models: Service) -> None:
    wrong: list[str] = []
    start = threading.Barrier(2)

    def use(headers: dict[str, str], wanted: ModelRecord) -> None:
        client = documented_app(two_models.container).test_client()
        start.wait(10)
        for _ in range(15):
            sent = {"sd_model_checkpoint": wanted.name}
            client.post(URL, json=sent, headers=headers)
            answer = client.post(TXT2IMG, json=body(), headers=headers)
            info = json.loads(answer.get_json()["info"])
            if info["sd_model_hash"] != wanted.id[:10]:
                wrong.append(info["sd_model_hash"])

    pairs = ((AUTHORIZED, MODEL), (OTHERS, OTHER))
    threads = [threading.Thread(target=use, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_a_read_only_credential_changes_nothing(two_models: Service) -> None:
    reader = bearer(make_token({"scope": "models:read"}))
    wanted = {"sd_model_checkpoint": MODEL.name}
    response = two_models.client.post("/sdapi/v1/options", json=wanted, headers=reader)
    assert error_of(response, 403)["error"] == "insufficient_scope"
    assert two_models.client.get("/sdapi/v1/options", headers=reader).status_code == 200
