"""Every field that clients of AUTOMATIC1111's API send, and what it does."""

import json
import random
from typing import Any

import pytest

from adapters.http.automatic1111.unsupported import TXT2IMG as TABLE
from adapters.http.automatic1111.unsupported.settings import AT_REST, NEVER_ZERO
from tests.http.automatic1111.sdapi import TXT2IMG, body, places_of
from tests.http.automatic1111.upstream import OF_TXT2IMG
from tests.http.conftest import AUTHORIZED, Service

# Values that change no picture here although they are not empty.
TAKEN: list[dict[str, Any]] = [
    {"save_images": True, "do_not_save_samples": True, "do_not_save_grid": True},
    {"force_task_id": "task(1)", "comments": {"a": 1}, "disable_extra_networks": True},
    {"override_settings_restore_afterwards": False},
    {"denoising_strength": 0.7, "hr_scale": 2, "hr_upscaler": "Latent", "hr_second_pass_steps": 9},
    {"hr_resize_x": 1024, "hr_prompt": "x", "hr_additional_modules": ["Use same choices"]},
    {"firstphase_width": 64, "firstphase_height": 64},
    {"subseed": 7},
    {"s_tmin": 0.1, "s_tmax": 9},
    {"script_args": [1]},
    {"refiner_switch_at": 0.8},
    {"refiner_checkpoint": "None", "refiner_switch_at": 0.8},
    {"refiner_checkpoint": "a", "refiner_switch_at": 1.0},
    {"script_name": "None"},
    {"styles": ["None", "None"]},
    {"seed_resize_from_h": 0, "seed_resize_from_w": -1},
    {"eta": 1.0, "sampler_name": "Euler a"},
    {"eta": 0, "sampler_name": "DDIM"},
    {"eta": 1, "sampler_name": "Euler"},
    {"s_noise": 1.0, "s_churn": 0, "s_min_uncond": 0},
    {"clip_skip": 1},
    {"init_images": [], "mask": None},
    # The web UI's own scripts, at their defaults or repeating the request's values.
    {"alwayson_scripts": {"Seed": {"args": [-1, False, -1, 0, 0, 0]}}},
    {"alwayson_scripts": {"seed": {"args": [5, True, 7, 0, 512, 0]}}, "seed": 5},
    {"alwayson_scripts": {"Sampler": {"args": [20, "DPM++ 2M", "Automatic"]}}},
    {
        "alwayson_scripts": {"Sampler": {"args": [9, "DDIM", ""]}},
        "steps": 9,
        "sampler_name": "DDIM",
    },
    {"alwayson_scripts": {"Refiner": {"args": [False, "", 0.8]}}},
    {"alwayson_scripts": {"Refiner": {"args": [True, "None", 0.8]}}},
    {"alwayson_scripts": {"Refiner": {"args": [True, "x.ckpt", 1]}}},
    {"alwayson_scripts": {"API payload": {"args": []}, "Comments": {"args": []}}},
    # Extensions that are switched off.
    {"alwayson_scripts": {"ADetailer": {"args": [False]}, "ControlNet": {"args": []}}},
    {"alwayson_scripts": {"ControlNet": {"args": [{"enabled": False, "model": "x"}, {}]}}},
    {"alwayson_scripts": {"ControlNet": {"args": {"enabled": False, "model": "x"}}}},
    {"alwayson_scripts": {"ADetailer": {"args": [{"ad_model": "None", "ad_prompt": "x"}]}}},
    {"alwayson_scripts": None},
]

# Fields that are not followed, with the names that `info` gives them.
NAMED: list[tuple[dict[str, Any], list[str]]] = [
    ({"url": "http://127.0.0.1:7860", "auth": "me:secret"}, ["url", "auth"]),
    ({"n": 1, "size": "512x512", "model": "x"}, ["n", "size", "model"]),
    ({"eta": 0, "sampler_name": "Euler a"}, ["eta"]),
    ({"eta": 1.0, "sampler_index": "DDIM"}, ["eta"]),
    ({"s_noise": 0}, ["s_noise"]),
    ({"inpainting_fill": 1, "resize_mode": 2}, ["inpainting_fill", "resize_mode"]),
    (
        {"alwayson_scripts": {"Soft Inpainting": {"args": [False, 1, 0.5, 4]}}},
        ["alwayson_scripts.Soft Inpainting"],
    ),
    (
        {"override_settings": {"unheard_of": 5, "sd_vae": "None", "samples_save": False}},
        ["override_settings.unheard_of"],
    ),
]

# Fields that would change the picture and are not supported.
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("subseed_strength", {"subseed_strength": 0.1}),
    ("seed_resize_from_h", {"seed_resize_from_h": 256}),
    ("seed_resize_from_w", {"seed_resize_from_w": 256}),
    ("eta", {"eta": 0.5}),
    ("eta", {"eta": "1"}),
    ("s_noise", {"s_noise": 1.1}),
    ("s_churn", {"s_churn": 1}),
    ("s_min_uncond", {"s_min_uncond": 2}),
    ("refiner_checkpoint", {"refiner_checkpoint": "a", "refiner_switch_at": 0.8}),
    ("refiner_checkpoint", {"refiner_checkpoint": "a"}),
    ("restore_faces", {"restore_faces": True}),
    ("tiling", {"tiling": True}),
    ("styles", {"styles": ["None", "anime"]}),
    ("controlnet_units", {"controlnet_units": [{"model": "x"}]}),
    ("script_name", {"script_name": "x/y/z plot"}),
    ("infotext", {"infotext": "a cat\nSteps: 3"}),
    ("init_images", {"init_images": ["x"]}),
    ("mask", {"mask": "x"}),
    ("alwayson_scripts", {"alwayson_scripts": {"Seed": {"args": [6]}}, "seed": 5}),
    ("alwayson_scripts", {"alwayson_scripts": {"Seed": {"args": [-1, True, 3, 0.5]}}}),
    ("alwayson_scripts", {"alwayson_scripts": {"Sampler": {"args": [20, "Heun", "Karras"]}}}),
    ("alwayson_scripts", {"alwayson_scripts": {"Refiner": {"args": [True, "x.ckpt", 0.8]}}}),
    ("alwayson_scripts", {"alwayson_scripts": {"ADetailer": {"args": [{"ad_model": "x"}]}}}),
    ("alwayson_scripts", {"alwayson_scripts": {"ADetailer": {"args": {"ad_model": "x"}}}}),
    ("alwayson_scripts", {"alwayson_scripts": {"ADetailer": {"args": [True, {}]}}}),
    ("alwayson_scripts", {"alwayson_scripts": {"x": {"args": "y"}}}),
    ("alwayson_scripts", {"alwayson_scripts": ["x"]}),
]


def answer_of(service: Service, sent: dict[str, Any]) -> dict[str, Any]:
    """Return what `info` says of the pictures drawn for it."""
    response = service.client.post(TXT2IMG, json=body(**sent), headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    info: dict[str, Any] = json.loads(response.get_json()["info"])
    return info


def test_the_table_has_every_field_of_that_api() -> None:
    assert OF_TXT2IMG.keys() - TABLE.read - TABLE.rules.keys() == set()
    assert not TABLE.read & TABLE.rules.keys()


def test_every_field_of_the_table_is_tried_with_a_non_empty_value() -> None:
    tried = {name for sent in TAKEN for name, value in sent.items() if value is not None}
    tried |= {name for sent, _ in NAMED for name in sent} | {name for name, _ in REFUSED}
    # `test_sdapi_second_pass` tries these.
    left = {"hr_sampler_name", "hr_scheduler", "hr_negative_prompt", "hr_cfg", "hr_distilled_cfg"}
    assert TABLE.rules.keys() - tried == left | {"firstpass_image"}


def test_all_fields_are_accepted_at_the_defaults_of_that_api(shared: Service) -> None:
    assert answer_of(shared, OF_TXT2IMG | {"prompt": "p", "steps": 1})["ignored"] == []


@pytest.mark.parametrize("nothing", [None, False, 0, "", [], {}])
@pytest.mark.parametrize("name", sorted(TABLE.rules))
def test_empty_values_are_accepted_in_every_field(
    shared: Service, name: str, nothing: object
) -> None:
    assert answer_of(shared, {name: nothing})["ignored"] in ([], [name])


@pytest.mark.parametrize("sent", TAKEN, ids=lambda sent: json.dumps(sent)[:60])
def test_values_that_change_no_picture_are_accepted(shared: Service, sent: dict[str, Any]) -> None:
    assert answer_of(shared, sent)["ignored"] == []


@pytest.mark.parametrize("sent, names", NAMED, ids=lambda each: json.dumps(each)[:60])
def test_fields_that_are_not_followed_are_named(
    shared: Service, sent: dict[str, Any], names: list[str]
) -> None:
    assert answer_of(shared, sent)["ignored"] == names


@pytest.mark.parametrize("name, sent", REFUSED, ids=lambda each: json.dumps(each)[:60])
def test_unsupported_fields_that_would_change_the_picture_are_refused_by_name(
    shared: Service, name: str, sent: dict[str, Any]
) -> None:
    drawn = len(shared.generator.drawn)
    response = shared.client.post(TXT2IMG, json=body(**sent), headers=AUTHORIZED)
    assert list(places_of(response)) == [name]
    assert "leave" in places_of(response)[name] or "send" in places_of(response)[name]
    assert len(shared.generator.drawn) == drawn


def test_a_refused_script_is_named(shared: Service) -> None:
    scripts = {"Seed": {"args": []}, "Y": {"args": [{"model": "x"}]}, "X": {"args": [1]}}
    sent = body(alwayson_scripts=scripts)
    response = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert "'Y', 'X'; leave them out" in places_of(response)["alwayson_scripts"]


@pytest.mark.parametrize("name", sorted(AT_REST))
def test_a_setting_that_changes_pictures_is_neutral_or_refused(shared: Service, name: str) -> None:
    zeros = () if name in NEVER_ZERO else (0, False)
    for value in (*AT_REST[name], None, "", *zeros, []):
        assert answer_of(shared, {"override_settings": {name: value}})["ignored"] == []
    for value in ("something else", 0.5, 12, *({0} if name in NEVER_ZERO else ())):
        sent = body(override_settings={name: value})
        response = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
        assert list(places_of(response)) == [f"override_settings.{name}"]


def test_only_some_of_many_unknown_fields_are_named_and_none_in_full(shared: Service) -> None:
    sent: dict[str, Any] = {f"{number}-{'x' * 1000}": 1 for number in range(500)}
    ignored = answer_of(shared, sent)["ignored"]
    assert len(ignored) == 20
    assert max(map(len, ignored)) <= 64


def test_a_name_with_a_line_break_is_one_line(shared: Service) -> None:
    assert answer_of(shared, {"a\nb": 1})["ignored"] == [r"a\nb"]


@pytest.mark.parametrize("depth", [2, 50, 400])
def test_nesting_in_ignored_fields_does_no_harm(shared: Service, depth: int) -> None:
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    assert answer_of(shared, {"unheard_of": deep})["ignored"] == ["unheard_of"]
    for sent in ({"styles": deep}, {"eta": deep}, {"alwayson_scripts": {"x": {"args": deep}}}):
        response = shared.client.post(TXT2IMG, json=body(**sent), headers=AUTHORIZED)
        assert list(places_of(response)) == list(sent)


def test_any_mixture_of_accepted_fields_is_drawn(shared: Service) -> None:
    draw = random.Random(11)
    plain = [sent for sent in TAKEN if not {"sampler_name", "seed", "steps"} & sent.keys()]
    for _ in range(20):
        mixture: dict[str, Any] = {}
        for sent in draw.sample(plain, 6):
            mixture |= sent
        mixture.pop("refiner_checkpoint", None)
        assert answer_of(shared, mixture)["ignored"] == []
