"""The lists of LoRAs, VAEs and scripts."""

import dataclasses

from domain.models.record import ModelKind
from tests.http.automatic1111.addons import addon, with_models
from tests.http.automatic1111.sdapi import body, drawn_by
from tests.http.conftest import AUTHORIZED, Service

STYLE = addon("models/lora/style.safetensors", ModelKind.LORA, trigger_words=("paper", "cut out"))
TWIN = addon("models/other/style.pt", ModelKind.LORA)
INK = addon("models/lora/ink.safetensors", ModelKind.LORA)
VAE = addon("models/vae/a.vae.pt", ModelKind.VAE)


def read(service: Service, name: str) -> object:
    response = service.client.get(f"/sdapi/v1/{name}", headers=AUTHORIZED)
    assert response.status_code == 200
    return response.get_json()


def test_loras_are_listed_by_names_that_a_prompt_can_have(service: Service) -> None:
    assert read(service, "loras") == []
    broken = dataclasses.replace(addon("models/b.pt", ModelKind.LORA), is_companion=False)
    with_models(service, STYLE, TWIN, INK, broken)
    rows = read(service, "loras")
    assert isinstance(rows, list)
    assert [row["name"] for row in rows] == ["ink", STYLE.path, TWIN.path]
    assert rows[1] == {
        "name": STYLE.path,
        "alias": STYLE.path,
        "path": STYLE.path,
        "metadata": {"modelspec.trigger_phrase": "paper, cut out"},
    }
    assert rows[0]["metadata"] == {}
    for row, model in zip(rows, (INK, STYLE, TWIN), strict=True):
        request = drawn_by(service, body(prompt=f"x <lora:{row['alias']}:1>"))
        assert request.loras[0].model_id == model.id


def test_vaes_are_listed_by_names_that_a_setting_can_have(service: Service) -> None:
    assert read(service, "sd-vae") == []
    twin = addon("models/other/a.vae.pt", ModelKind.VAE)
    with_models(service, VAE)
    assert read(service, "sd-vae") == [{"model_name": "a.vae.pt", "filename": VAE.path}]
    with_models(service, twin)
    rows = read(service, "sd-vae")
    assert isinstance(rows, list)
    for row, model in zip(rows, (twin, VAE), strict=True):
        request = drawn_by(service, body(override_settings={"sd_vae": row["model_name"]}))
        assert request.vae_id == model.id


def test_controlnet_is_listed_among_the_scripts(shared: Service) -> None:
    assert read(shared, "scripts") == {"txt2img": ["controlnet"], "img2img": ["controlnet"]}
    rows = read(shared, "script-info")
    assert isinstance(rows, list)
    assert [(row["name"], row["is_alwayson"], row["is_img2img"]) for row in rows] == [
        ("controlnet", True, False),
        ("controlnet", True, True),
    ]
    assert {len(row["args"]) for row in rows} == {4}


def test_embeddings_are_an_empty_list_without_any(shared: Service) -> None:
    assert read(shared, "embeddings") == {"loaded": {}, "skipped": {}}
