"""The lists of models and samplers in AUTOMATIC1111's API."""

import dataclasses
from typing import Any

import pytest

from adapters.http.automatic1111.samplers import chosen_scheduler
from domain.models.record import ModelKind, ModelRecord
from domain.ports.device_report import DeviceMemory
from domain.samplers import Sampler, Schedule
from tests.fakes.model_source import model_record
from tests.http.automatic1111.sdapi import basic, body, drawn_by, error_of
from tests.http.conftest import AUTHORIZED, MODEL, Service
from tests.http.helpers import make_token

PREFIX = "/sdapi/v1"
TITLE = f"a.safetensors [{MODEL.id[:10]}]"
OTHER = model_record(b"others", "models/b/b.ckpt")
LISTS = [
    *("sd-models", "samplers", "schedulers", "options", "sd-vae", "upscalers"),
    *("latent-upscale-modes", "loras", "hypernetworks", "face-restorers", "prompt-styles"),
    *("realesrgan-models", "script-info", "extensions"),
    *("embeddings", "scripts", "memory", "cmd-flags"),
]
FILLED = {
    *("sd-models", "samplers", "schedulers", "options", "upscalers", "latent-upscale-modes"),
    *("embeddings", "scripts", "script-info", "memory", "cmd-flags"),
}
REFRESHED = ("checkpoints", "loras", "vae", "embeddings")


def read(service: Service, name: str) -> Any:
    response = service.client.get(f"{PREFIX}/{name}", headers=AUTHORIZED)
    assert response.status_code == 200
    return response.get_json()


@pytest.fixture
def two_models(service: Service) -> Service:
    service.source.files[OTHER.path] = b"others"
    service.source.others = (
        dataclasses.replace(model_record(b"l", "models/0.pt"), reason="it is a LoRA"),
    )
    service.container.model_registry().refresh()
    return service


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_the_scope_to_read_models(shared: Service, name: str) -> None:
    url = f"{PREFIX}/{name}"
    response = shared.client.get(url)
    error_of(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    error_of(shared.client.get(url, headers=basic(make_token({"scope": "inference:run"}))), 403)
    reader = basic(make_token({"scope": "models:read"}))
    assert shared.client.get(url, headers=reader).status_code == 200


def test_checkpoints_are_the_models_that_can_draw(two_models: Service) -> None:
    first = {
        **{"title": TITLE, "model_name": "a", "hash": MODEL.id[:10], "sha256": MODEL.id},
        **{"filename": MODEL.path, "config": None},
    }
    assert read(two_models, "sd-models")[0] == first
    assert [row["model_name"] for row in read(two_models, "sd-models")] == ["a", "b"]


def upscaler(path: str, scale: int = 4) -> ModelRecord:
    return dataclasses.replace(
        model_record(path.encode(), path),
        kind=ModelKind.UPSCALER,
        reason="it is an upscaler",
        is_companion=True,
        scale=scale,
    )


def test_upscalers_are_those_that_can_be_named(service: Service) -> None:
    service.source.others = (
        upscaler("models/RealESRGAN_x2plus.pth", 2),
        upscaler("models/4x-Sharp.safetensors"),
        upscaler("models/same.pth"),
        upscaler("models/b/same.safetensors"),
        dataclasses.replace(upscaler("models/broken.pth"), is_companion=False),
    )
    service.container.model_registry().refresh()
    rows = {row["name"]: row for row in read(service, "upscalers")}
    assert set(rows) == {
        *("None", "Lanczos", "R-ESRGAN 2x+", "4x-Sharp", "models/same.pth"),
        "models/b/same.safetensors",
    }
    assert rows["R-ESRGAN 2x+"] == {
        **{"name": "R-ESRGAN 2x+", "model_name": "RealESRGAN_x2plus", "model_url": None},
        **{"model_path": "models/RealESRGAN_x2plus.pth", "scale": 2},
    }
    assert rows["Lanczos"]["model_path"] is None
    assert read(service, "realesrgan-models") == [
        {"name": "R-ESRGAN 2x+", "path": "models/RealESRGAN_x2plus.pth", "scale": 2}
    ]
    titles = [row["title"] for row in read(service, "sd-models")]
    assert titles == [TITLE]


def test_each_latent_mode_that_is_listed_can_be_named(shared: Service) -> None:
    for row in read(shared, "latent-upscale-modes"):
        sent = body(enable_hr=True, width=256, height=256, hr_upscaler=row["name"])
        second = drawn_by(shared, sent).second_pass
        assert second is not None
        assert second.upscaler == "latent"


def test_samplers_are_all_of_ours_and_the_one_of_the_model(shared: Service) -> None:
    rows = read(shared, "samplers")
    assert all(set(row) == {"name", "aliases", "options"} for row in rows)
    assert {row["name"] for row in rows} == {"Default", *Sampler}
    options = {row["name"]: row["options"] for row in rows}
    assert options["DPM++ 2M"] == {"scheduler": "karras"}
    assert options["DPM++ 3M SDE"] == {"scheduler": "exponential"}
    assert options["Euler a"] == {}


def test_each_sampler_name_draws_and_means_one_sampler(shared: Service) -> None:
    rows = read(shared, "samplers")
    names = [name.lower() for row in rows for name in {row["name"], *row["aliases"]}]
    # The alias of DDIM and others is their name in lower case.
    assert len(set(names)) >= len(names) - 4
    for row in rows:
        for name in row["aliases"]:
            chosen = chosen_scheduler(name, "").scheduler
            assert chosen is not None
            assert chosen.sampler == row["name"]


def test_schedules_are_the_ones_that_can_be_named(shared: Service) -> None:
    rows = read(shared, "schedulers")
    labels = {row["label"]: row["name"] for row in rows}
    assert set(labels) == {*Schedule, "Uniform"}
    assert labels["SGM Uniform"] == "sgm_uniform"
    for label, name in labels.items():
        assert chosen_scheduler("Euler", label) == chosen_scheduler("Euler", name)
    assert {row["name"]: row["default_rho"] for row in rows}["karras"] == 7
    assert all(
        set(row) == {"name", "label", "aliases", "default_rho", "need_inner_model"} for row in rows
    )


def test_lists_of_unsupported_things_are_empty(shared: Service) -> None:
    for name in LISTS:
        if name not in FILLED:
            assert read(shared, name) == []


def test_memory_is_that_of_the_process_and_the_device(service: Service) -> None:
    memory = read(service, "memory")
    assert memory == {
        "ram": {"free": 3, "used": 1, "total": 4},
        "cuda": {"error": "unavailable"},
    }
    service.process.held = None
    assert read(service, "memory")["ram"] == {"error": "unavailable"}
    service.report.hold(memory=DeviceMemory(used=3, total=10))
    assert read(service, "memory")["cuda"] == {"system": {"free": 7, "used": 3, "total": 10}}


def test_flags_say_that_there_is_an_api_and_show_no_settings(shared: Service) -> None:
    assert read(shared, "cmd-flags") == {"api": True}


@pytest.mark.parametrize("what", REFRESHED)
def test_a_refresh_is_accepted_although_it_does_nothing(shared: Service, what: str) -> None:
    url = f"{PREFIX}/refresh-{what}"
    error_of(shared.client.post(url), 401)
    response = shared.client.post(url, headers=AUTHORIZED)
    assert (response.status_code, response.get_json()) == (200, None)
