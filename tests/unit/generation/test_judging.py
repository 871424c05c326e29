"""Fields of a request are checked once: each by an API's limits, combinations by the widest."""

import dataclasses
from typing import Any

import pytest

from domain.errors import InvalidRequest
from domain.generation.fields import FIELDS, LIMITS, OPENAI_LIMITS, OPTIONAL, V1_LIMITS
from domain.generation.fields.judging import JudgedFields, field_problems
from domain.generation.forms.plain import part_names
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange, NumberRange, TextLength

ID = "0123456789abcdef" * 4
ASKED: dict[str, Any] = {"model_id": "demo", "prompt": "a\r\nhill", "seed": 7, "guidance_scale": 3}


def wrong(values: dict[str, Any], **options: Any) -> list[str]:
    return [row.field for row in field_problems(values, **options)]


def test_a_request_of_checked_fields_equals_one_that_checks_itself() -> None:
    made = GenerationRequest.of(JudgedFields(ASKED, V1_LIMITS), id="r", model_id=ID.upper())
    assert made == GenerationRequest(**{**ASKED, "id": "r", "model_id": ID})
    assert made.prompt == "a\nhill"
    assert type(made.guidance_scale) is float
    named: dict[str, Any] = {"output_format": "webp", "scheduler": "Euler a", "guidance_scale": 0}
    made = GenerationRequest.of(JudgedFields(named), id="r", model_id=ID, prompt="a\rb")
    assert made == GenerationRequest(id="r", model_id=ID, prompt="a\nb", **named)
    assert made.quality == 90


def test_fields_beyond_the_limits_of_an_api_are_refused_before_there_is_a_request() -> None:
    long = {**ASKED, "prompt": "p" * 1001, "num_images": 5, "width": 1}
    with pytest.raises(InvalidRequest) as caught:
        JudgedFields(long, V1_LIMITS)
    assert [row.field for row in caught.value.problems] == ["prompt", "width", "num_images"]
    assert JudgedFields({**long, "width": 512}, OPENAI_LIMITS)["num_images"] == 5


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "model_id"),  # a name is not an id
        ({"model_id": "demo"}, "model_id"),
        ({"model_id": ID, "num_images": 17}, "num_images"),
        ({"model_id": ID, "quality": 5}, "quality"),
        ({"model_id": ID, "seed": 2**53}, "seed"),
    ],
)
def test_combinations_of_checked_fields_are_checked(more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        GenerationRequest.of(JudgedFields(ASKED, V1_LIMITS), id="r", **more)
    assert [row.field for row in caught.value.problems] == [field]


def test_an_added_field_may_conflict_with_the_present_ones() -> None:
    last = JudgedFields({"prompt": "a", "seed": 2**53 - 1})
    with pytest.raises(InvalidRequest, match="last image"):
        GenerationRequest.of(last, id="r", model_id=ID, num_images=2)


def test_parts_that_join_are_judged_too() -> None:
    judged = JudgedFields(ASKED, V1_LIMITS)
    made = GenerationRequest.of(judged, id="r", model_id=ID, vae_id=ID.upper(), clip_skip=2)
    assert (made.vae_id, made.parts) == (ID, ("vae_id", "clip_skip"))
    assert made == GenerationRequest(**{**ASKED, "id": "r", "model_id": ID}, vae_id=ID, clip_skip=2)
    with pytest.raises(InvalidRequest) as caught:
        GenerationRequest.of(judged, id="r", model_id=ID, clip_skip=13)
    assert [row.field for row in caught.value.problems] == ["clip_skip"]


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match="id, prompt"):
        GenerationRequest.of(JudgedFields({"model_id": ID}))


def test_only_fields_of_the_table_are_checked() -> None:
    with pytest.raises(TypeError, match="tiling"):
        JudgedFields({"tiling": True})


def test_combinations_with_an_invalid_field_are_not_reported() -> None:
    last = {"seed": 2**53 - 1, "num_images": 2}
    assert wrong(last) == ["seed"]
    assert wrong({**last, "num_images": 99}) == ["num_images"]
    assert wrong({"seed": 2**53 - 1}, wrong={"num_images"}) == []
    assert wrong({"quality": 5}) == ["quality"]
    assert wrong({"quality": 5}, wrong={"output_format"}) == []


def test_the_table_has_every_field_that_is_not_a_part() -> None:
    fields = {field.name: field for field in dataclasses.fields(GenerationRequest)}
    beyond = fields.keys() - FIELDS.keys()
    assert beyond == part_names(GenerationRequest) | {"vae_id", "prompt_syntax", "clip_skip"}
    assert FIELDS.keys() <= fields.keys()
    assert {name for name in FIELDS if fields[name].default is None} == OPTIONAL


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_a_row_describes_its_field(row: Any) -> None:
    assert row.meaning.endswith(".")
    assert row.label
    if row.example is not None:
        assert row.limit.problem(row.example) is None
    for limits in (V1_LIMITS, OPENAI_LIMITS):
        assert type(limits[row.name]) in type(LIMITS[row.name]).__mro__


@pytest.mark.parametrize("limits", [V1_LIMITS, OPENAI_LIMITS])
def test_no_api_has_wider_limits_than_a_request(limits: Any) -> None:
    for name, limit in limits.items():
        widest = LIMITS[name]
        if name == "model_id":
            continue
        match limit:
            case IntegerRange(low, high) | NumberRange(low, high) | TextLength(low, high):
                assert widest.minimum <= low <= high <= widest.maximum  # type: ignore[union-attr]
            case _:
                assert limit is widest
