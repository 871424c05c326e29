"""Every field of AUTOMATIC1111's own schema is drawn with, has no effect, or is refused by name.

For each field many values are sent that differ from the field's default. A value that is accepted
must change the request that is drawn or the answer, unless the field is in one of the lists below.
"""

import json
from typing import Any

import pytest

from adapters.http.automatic1111.unsupported import IMG2IMG as IMG2IMG_TABLE
from adapters.http.automatic1111.unsupported import TXT2IMG as TXT2IMG_TABLE
from adapters.http.automatic1111.unsupported import FieldTable
from adapters.http.automatic1111.unsupported.verdicts import no_effect
from domain.generation.forms.plain import plain_values
from tests.http.automatic1111.sdapi import IMG2IMG, TXT2IMG, error_of, picture, places_of
from tests.http.automatic1111.upstream import OF_IMG2IMG, OF_TXT2IMG
from tests.http.conftest import AUTHORIZED, Service

PICTURE, OTHER = picture("red"), picture("blue")
BASE: dict[str, dict[str, Any]] = {
    TXT2IMG: {
        **{"prompt": "p", "seed": 5, "steps": 4, "width": 256, "height": 256, "enable_hr": True},
    },
    IMG2IMG: {
        **{"prompt": "p", "seed": 5, "steps": 4, "width": 256, "height": 256},
        **{"init_images": [PICTURE], "mask": PICTURE},
    },
}
"""Requests in which every field can have an effect."""

SCHEMAS: dict[str, tuple[dict[str, Any], FieldTable]] = {
    TXT2IMG: (OF_TXT2IMG, TXT2IMG_TABLE),
    IMG2IMG: (OF_IMG2IMG, IMG2IMG_TABLE),
}

VALUES: tuple[Any, ...] = (
    *(True, False, 0, 1, 2, 3, 4, 5, 8, 50, 0.3, 0.9, 1.5, 7.5, -1, 300, 512, 10_000),
    *("", "x", "Euler a", "Karras", "Lanczos", "Latent", PICTURE, OTHER),
    *([], ["x"], [OTHER], [PICTURE, OTHER], {}, {"a": 1}, {"samples_format": "jpg"}),
)
# Values that are accepted and ask for what is drawn anyway.
EQUAL: dict[str, tuple[Any, ...]] = {
    "seed": (5, 5.0),
    "steps": (4,),
    "cfg_scale": (7.5,),
    "negative_prompt": ("",),
    "sampler_name": ("",),
    "sampler_index": ("",),
    "scheduler": ("",),
    "batch_size": (1, True),
    "n_iter": (1, True),
    "send_images": (True, 1),
    "override_settings": ({},),
    "enable_hr": (True, 1),
    "denoising_strength": (),
    "hr_scale": (2,),
    "hr_upscaler": ("", "Latent"),
    "hr_second_pass_steps": (0, False),
    "hr_resize_x": (0, 512),
    "hr_resize_y": (0, 512),
    "hr_checkpoint_name": ("",),
    "init_images": ([PICTURE],),
    "mask": (PICTURE,),
    "resize_mode": (0,),
    "inpainting_fill": (0,),
    "inpaint_full_res": (True, 1),
    "inpaint_full_res_padding": (0,),
    "inpainting_mask_invert": (False, 0),
    "image_cfg_scale": (0, 1, 1.5),
    "initial_noise_multiplier": (1,),
    "include_init_images": (False, 0),
    "mask_blur": (4,),
    "mask_blur_x": (4,),
    "mask_blur_y": (4,),
}

FIELDS = [
    pytest.param(url, name, id=f"{url.rsplit('/', 1)[1]}-{name}")
    for url, (schema, _) in SCHEMAS.items()
    for name in schema
]


def outcome(service: Service, url: str, sent: dict[str, Any]) -> tuple[int, Any]:
    """Return the status, and what was drawn with the answer's facts; or the refused fields."""
    number = len(service.generator.drawn)
    response = service.client.post(url, json=sent, headers=AUTHORIZED)
    if response.status_code == 404:  # a checkpoint that is not there
        return 422, {"hr_checkpoint_name": error_of(response, 404)["errors"]}
    if response.status_code != 200:
        return response.status_code, places_of(response)
    drawn = [plain_values(each) for each in service.generator.drawn[number:]]
    answer = response.get_json()
    names = ("init_images", "mask")
    repeated = [answer["parameters"].get(name) for name in names]
    facts = (bool(answer["images"]), repeated)
    return 200, ([{**each, "id": ""} for each in drawn], facts, json.loads(answer["info"]))


@pytest.mark.parametrize("url, name", FIELDS)
def test_no_field_is_silently_without_effect(shared: Service, url: str, name: str) -> None:
    _, table = SCHEMAS[url]
    base = BASE[url]
    _, (drawn, facts, _) = outcome(shared, url, base)
    accepted = 0
    for value in VALUES:
        status, found = outcome(shared, url, base | {name: value})
        if status != 200:
            assert status == 422, (name, value, found)
            assert any(place.split(".")[0] == name for place in found) or _is_between(name, found)
            continue
        accepted += 1
        changed = found[:2] != (drawn, facts)
        if name in table.rules:
            assert not changed, (name, value)
            is_known = table.rules[name] is no_effect or value in _allowed(table, name)
            assert is_known or name in found[2]["ignored"], (name, value)
        else:
            is_equal = any(value == each for each in EQUAL.get(name, ()))
            is_named = any(each.split(".")[0] == name for each in found[2]["ignored"])
            assert changed or is_equal or is_named, (name, value)
    assert accepted, f"no value of {name} is accepted"


def _allowed(table: FieldTable, name: str) -> tuple[Any, ...]:
    """Return the values that mean what is drawn anyway."""
    more = {
        **{"eta": (0, 1), "clip_skip": (1,), "seed_resize_from_h": (-1,)},
        **{"seed_resize_from_w": (-1,)},
    }
    nothing: tuple[object, ...] = (None, False, 0, "", [], {})
    return (*nothing, *table.may_be.get(name, ()), *more.get(name, ()))


def _is_between(name: str, found: dict[str, str]) -> bool:
    """Return whether the refusal is of a field that this one does not fit."""
    with_others = {
        "batch_size": {"n_iter"},
        "sampler_index": {"sampler_name"},
        "width": {"hr_scale", "width"},
        "height": {"hr_scale", "height"},
        "mask_blur_y": {"mask_blur_x"},
        "init_images": {"n_iter"},
    }
    return bool(with_others.get(name, set()) & found.keys())
