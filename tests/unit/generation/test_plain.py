"""Requests as plain values: what is stored and compared, from release to release."""

import dataclasses
import json
from typing import Any

import pytest

from application.fingerprints import fingerprint
from domain.errors import InvalidRequest
from domain.generation.fields import FIELDS
from domain.generation.forms.plain import plain_values
from domain.generation.parts import PromptSyntax, SecondPass, Upscale
from domain.generation.request import GenerationRequest
from domain.samplers import Scheduler
from tests.unit.generation.test_parts import (
    ID,
    OTHER,
    canny,
    control,
    embedding,
    lora,
    masked,
    request,
)

FULL = request(
    seed=3,
    scheduler=Scheduler.LCM,
    output_format="webp",
    quality=7,
    source=masked(strength=0.5),
    loras=(lora(scale=-1), lora(model_id=OTHER)),
    embeddings=(embedding(token="cat"), embedding()),
    controls=(control(preprocessor=canny(low=1)),),
    vae_id=OTHER,
    second_pass=SecondPass(upscaler=ID),
    upscale=Upscale(model_id=ID, scale=2),
    prompt_syntax="weighted",
    clip_skip=2,
)


def through_json(made: GenerationRequest) -> GenerationRequest:
    return GenerationRequest.from_plain(json.loads(json.dumps(plain_values(made))))


# As the releases b5e36a7 and b6e9a52 made them.
@pytest.mark.parametrize(
    ("made", "known"),
    [
        (
            {"seed": 7},
            "1c144427db291b01032f77e8daccd08ed696aa5cee119d496661587d660353a0",
        ),
        (
            {
                "negative_prompt": "trees",
                "seed": None,
                "num_images": 3,
                "scheduler": "Euler a",
                "output_format": "jpeg",
                "guidance_scale": 0,
                "width": 260,
            },
            "15319506478f6433e24861b6b948f97f4933a150bf67120ed2a4126a77e42190",
        ),
    ],
)
def test_a_request_without_parts_keeps_its_fingerprint(made: dict[str, Any], known: str) -> None:
    assert fingerprint(request(**made)) == known


def test_a_request_without_parts_is_stored_as_before() -> None:
    assert list(plain_values(request(seed=1))) == [
        *("id", "model_id", "prompt", "negative_prompt", "num_inference_steps", "guidance_scale"),
        *("width", "height", "seed", "num_images", "scheduler", "output_format", "quality"),
    ]


def test_parts_go_into_json_and_back() -> None:
    assert through_json(FULL) == FULL
    assert hash(through_json(FULL)) == hash(FULL)
    assert isinstance(through_json(FULL).prompt_syntax, PromptSyntax)
    assert set(FULL.parts) <= plain_values(FULL).keys()
    assert set(FULL.parts) == {field.name for field in dataclasses.fields(FULL)} - FIELDS.keys()


@pytest.mark.parametrize("name", [name for name in plain_values(FULL) if name not in FIELDS])
def test_each_part_is_stored_and_counts_where_it_asks_for_something(name: str) -> None:
    one = request(**{name: getattr(FULL, name)})
    assert name in plain_values(one)
    assert through_json(one) == one
    assert fingerprint(one) != fingerprint(request())


def test_an_error_within_a_part_is_named_with_its_place() -> None:
    values = json.loads(json.dumps(plain_values(FULL)))
    values["loras"][1]["scale"] = 9
    with pytest.raises(InvalidRequest) as caught:
        GenerationRequest.from_plain(values)
    assert [row.field for row in caught.value.problems] == ["loras[1].scale"]


@pytest.mark.parametrize(
    "changes",
    [
        {"tiling": True},
        {"loras": [{"model_id": ID, "blocks": "x"}]},
        {"loras": [{"scale": 1}]},
        {"loras": {"model_id": ID}},
        {"source": [ID]},
    ],
)
def test_unknown_values_are_never_ignored(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is not an? |missing"):
        GenerationRequest.from_plain(plain_values(request()) | changes)
    shown = GenerationRequest.as_stored(plain_values(request()) | changes)
    assert shown == request()


def test_an_unknown_field_without_effect_is_ignored() -> None:
    assert GenerationRequest.from_plain(plain_values(request()) | {"tiling": None}) == request()


def test_readable_parts_are_shown() -> None:
    values = json.loads(json.dumps(plain_values(FULL)))
    assert GenerationRequest.as_stored(values) == FULL
    values["width"] = 9000
    assert GenerationRequest.as_stored(values).loras == FULL.loras
