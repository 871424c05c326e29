"""The fields of an inference request: each limit, on both sides."""

import itertools
import json

import pytest
from werkzeug.test import TestResponse

from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body
from tests.http.helpers import wrong_fields

INTEGERS = ("num_inference_steps", "width", "height", "seed", "num_images")
TEXTS = ("id", "model_id", "prompt", "negative_prompt")
NEVER_NULL = sorted({*INTEGERS, *TEXTS, "guidance_scale"} - {"seed", "negative_prompt"})
LARGEST_SEED = 2**53 - 1


@pytest.fixture(autouse=True)
def nothing_drawn_yet(shared: Service) -> None:
    shared.generator.drawn.clear()


def post(service: Service, body: dict[str, object]) -> TestResponse:
    return service.client.post("/v1/infer", json=body, headers=AUTHORIZED)


@pytest.mark.parametrize(
    "field, value",
    [
        ("id", "x"),
        ("id", "x" * 128),
        ("id", "two words, 100 %, é, 😀"),
        ("id", "..."),
        ("prompt", "p"),
        ("prompt", "p" * 1000),
        ("prompt", "😀" * 1000),
        ("prompt", "a tab\tand\na newline"),
        ("negative_prompt", None),
        ("negative_prompt", ""),
        ("negative_prompt", "n" * 1000),
        ("num_inference_steps", 1),
        ("num_inference_steps", 150),
        ("guidance_scale", 1),
        ("guidance_scale", 1.0),
        ("guidance_scale", 7.25),
        ("guidance_scale", 20),
        ("guidance_scale", 20.0),
        ("width", 256),
        ("width", 257),
        ("width", 1024),
        ("height", 256),
        ("height", 1023),
        ("height", 1024),
        ("seed", 0),
        ("seed", LARGEST_SEED),
        ("num_images", 1),
        ("num_images", 4),
        ("num_images", 2.0),  # in JSON Schema it is an integer
        ("width", 3e2),
    ],
)
def test_a_value_within_its_limits_is_drawn(shared: Service, field: str, value: object) -> None:
    assert post(shared, infer_body(**{field: value})).status_code == 200
    (drawn,) = shared.generator.drawn
    assert getattr(drawn, field) == value


def test_a_seed_of_null_is_a_random_one(shared: Service) -> None:
    for _ in range(2):
        assert post(shared, infer_body(seed=None)).status_code == 200
    first, second = (request.seed for request in shared.generator.drawn)
    assert first != second
    assert all(seed is not None and 0 <= seed <= LARGEST_SEED for seed in (first, second))


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("id", "", "between 1 and 128"),
        ("id", "x" * 129, "between 1 and 128"),
        ("id", "a/b", "'/'"),
        ("id", ".", "'.'"),
        ("id", "..", "'..'"),
        ("model_id", "", "between 1 and 4096"),
        ("model_id", "a" * 4097, "between 1 and 4096"),
        ("model_id", "a" * 64 + "\0", "U+0000"),
        ("prompt", "", "between 1 and 1000"),
        ("prompt", "p" * 1001, "between 1 and 1000"),
        ("negative_prompt", "n" * 1001, "between 0 and 1000"),
        ("num_inference_steps", 0, "between 1 and 150"),
        ("num_inference_steps", 151, "between 1 and 150"),
        ("num_inference_steps", -1, "between 1 and 150"),
        ("guidance_scale", 0.999, "between 1.0 and 20.0"),
        ("guidance_scale", 20.001, "between 1.0 and 20.0"),
        ("guidance_scale", 0, "between 1.0 and 20.0"),
        ("guidance_scale", 10**400, "between 1.0 and 20.0"),
        ("width", 255, "between 256 and 2048"),
        ("width", 1025, "between 256 and 1024"),
        ("height", 255, "between 256 and 2048"),
        ("height", 1025, "between 256 and 1024"),
        ("width", 2049, "between 256 and 2048"),
        ("height", 2049, "between 256 and 2048"),
        ("seed", -1, f"between 0 and {LARGEST_SEED}"),
        ("seed", LARGEST_SEED + 1, f"between 0 and {LARGEST_SEED}"),
        ("seed", 10**100, f"between 0 and {LARGEST_SEED}"),
        ("num_images", 0, "between 1 and 4"),
        ("num_images", 5, "between 1 and 4"),
        ("steps", 30, "is not a field"),
        ("_schema", 30, "is not a field"),
        ("", 30, "is not a field"),
    ],
)
def test_a_value_beyond_its_limits_is_refused_with_the_limits(
    shared: Service, field: str, value: object, words: str
) -> None:
    messages = wrong_fields(post(shared, infer_body(**{field: value})))
    assert set(messages) == {field}
    assert words in messages[field]
    assert shared.generator.drawn == []


@pytest.mark.parametrize(
    "field, value",
    [
        *itertools.product(INTEGERS, (True, False, "30", 30.5, "", [], [30], {})),
        *itertools.product(("guidance_scale",), (True, False, "7.5", "", [], [7.5], {})),
        *itertools.product(TEXTS, (True, 1, 1.5, [], ["x"], {})),
        *((field, None) for field in NEVER_NULL),
    ],
)
def test_a_value_of_another_type_is_refused(shared: Service, field: str, value: object) -> None:
    assert set(wrong_fields(post(shared, infer_body(**{field: value})))) == {field}
    assert shared.generator.drawn == []


def test_a_number_that_overflows_to_infinity_is_refused(shared: Service) -> None:
    body = json.dumps(infer_body()).replace("{", '{"guidance_scale": 1e999, ')
    headers = AUTHORIZED | {"Content-Type": "application/json"}
    messages = wrong_fields(shared.client.post("/v1/infer", data=body, headers=headers))
    assert "finite" in messages["guidance_scale"]


@pytest.mark.parametrize("field", ["id", "prompt", "negative_prompt"])
@pytest.mark.parametrize(
    "character", ["\0", "\x01", "\x0c", "\x1b", "\x7f", "\x85", "\x9f", "\ud800", "\udfff"]
)
def test_text_holds_no_control_character_and_no_lone_surrogate(
    shared: Service, field: str, character: str
) -> None:
    messages = wrong_fields(post(shared, infer_body(**{field: f"ab{character}c"})))
    assert set(messages) == {field}
    assert f"U+{ord(character):04X} at position 2" in messages[field]
    assert shared.generator.drawn == []


def test_a_surrogate_pair_is_a_character(shared: Service) -> None:
    body = json.dumps(infer_body(prompt="😀"))
    assert "\\ud83d\\ude00" in body
    headers = AUTHORIZED | {"Content-Type": "application/json"}
    response = shared.client.post("/v1/infer", data=body, headers=headers)
    assert response.get_json()["prompt"] == "😀"


@pytest.mark.parametrize("field", ["model_id", "prompt"])
def test_a_missing_required_field_is_named(shared: Service, field: str) -> None:
    body = infer_body()
    del body[field]
    assert wrong_fields(post(shared, body)) == {field: "is required"}


def test_all_invalid_fields_are_named_at_once_with_one_row_each(shared: Service) -> None:
    wrong = {
        "id": "",
        "model_id": "",
        "prompt": "\0",
        "negative_prompt": 5,
        "num_inference_steps": 0,
        "guidance_scale": None,
        "width": 1,
        "height": "512",
        "seed": -1,
        "num_images": True,
        "unknown": 1,
        "\ud800": 1,
    }
    messages = wrong_fields(post(shared, wrong))
    assert len(messages) == len(wrong)
    assert set(wrong) - set(messages) == {"\ud800"}
    assert shared.generator.drawn == []


def test_the_detail_contains_every_row(shared: Service) -> None:
    problem = post(shared, infer_body(width=1, height=2)).get_json()
    assert all(f"{row['field']} {row['message']}" in problem["detail"] for row in problem["errors"])


@pytest.mark.parametrize("num_images", [1, 2, 3, 4])
def test_the_seed_of_the_last_image_is_limited_too(shared: Service, num_images: int) -> None:
    seed = LARGEST_SEED - num_images + 1
    assert post(shared, infer_body(seed=seed, num_images=num_images)).status_code == 200
    body = infer_body(seed=seed + 1, num_images=num_images)
    assert set(wrong_fields(post(shared, body))) == {"seed"}
    assert len(shared.generator.drawn) == 1


def test_the_seed_of_the_last_image_is_checked_with_other_invalid_fields(shared: Service) -> None:
    body = infer_body(seed=LARGEST_SEED, num_images=2, width=1)
    messages = wrong_fields(post(shared, body))
    assert set(messages) == {"seed", "width"}
    assert "last image" in messages["seed"]


def test_the_case_of_a_model_id_does_not_matter(shared: Service) -> None:
    response = post(shared, infer_body(model_id=MODEL.id.upper()))
    assert response.get_json()["model_id"] == MODEL.id


@pytest.mark.parametrize("unknown, more", [(100, 0), (101, 1), (5000, 4900)])
def test_the_first_of_many_invalid_fields_are_named_and_all_are_counted(
    shared: Service, unknown: int, more: int
) -> None:
    response = post(shared, infer_body(**{f"unknown_{number}": 1 for number in range(unknown)}))
    rows = wrong_fields(response)
    assert rows.pop("body", "") == (f"has {more} more wrong fields" if more else "")
    assert len(rows) == 100
    assert len(response.get_data()) < 20_000
