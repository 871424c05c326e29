"""Successful requests to POST /v1/infer."""

import base64
import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from domain.generation.request import GenerationRequest
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    Service,
    infer_body,
    make_settings,
    running_service,
)

ROUTES = ("/v1/infer", "/infer")
FIELDS = {
    "id",
    "model_id",
    "images",
    "processing_time",
    "prompt",
    "negative_prompt",
    "num_inference_steps",
    "guidance_scale",
    "scheduler",
    "output_format",
    "quality",
    "timings",
    "warnings",
}


def infer(service: Service, route: str = "/v1/infer", **changes: object) -> dict[str, Any]:
    response = service.client.post(route, json=infer_body(**changes), headers=AUTHORIZED)
    assert (response.status_code, response.content_type) == (200, "application/json")
    answer: dict[str, Any] = response.get_json()
    return answer


def pictures(answer: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(image["base64"], validate=True) for image in answer["images"]]


@pytest.fixture(autouse=True)
def nothing_drawn_yet(shared: Service) -> None:
    shared.generator.drawn.clear()


@pytest.mark.parametrize("route", ROUTES)
def test_the_answer_has_every_field(shared: Service, route: str) -> None:
    answer = infer(
        shared,
        route,
        id="picture 1, ünïcode",
        negative_prompt="blur",
        num_inference_steps=7,
        guidance_scale=3,
        width=264,
        height=520,
        seed=11,
    )
    assert set(answer) >= FIELDS
    assert answer["id"] == "picture 1, ünïcode"
    assert answer["model_id"] == MODEL.id
    assert answer["prompt"] == "a red circle"
    assert answer["negative_prompt"] == "blur"
    assert answer["num_inference_steps"] == 7
    assert answer["guidance_scale"] == 3.0
    assert answer["warnings"] == []
    (image,) = answer["images"]
    assert set(image) == {"id", "base64", "media_type", "seed", "width", "height"}
    assert image["id"] == hashlib.sha256(base64.b64decode(image["base64"])).hexdigest()
    assert (image["seed"], image["width"], image["height"]) == (11, 264, 520)


def test_the_timings_are_seconds(shared: Service) -> None:
    answer = infer(shared)
    timings = answer["timings"]
    assert set(timings) >= {"queue", "load", "generate", "encode"}
    assert (timings["load"], timings["generate"]) == (0.25, 0.5)
    assert 0.125 <= timings["encode"] < 10  # with the waiting time since then
    assert isinstance(timings["queue"], float)
    assert 0 <= timings["queue"] < 10
    assert isinstance(answer["processing_time"], float)
    assert 0 <= answer["processing_time"] < 10


@pytest.mark.parametrize("route", ROUTES)
def test_missing_fields_have_their_defaults(shared: Service, route: str) -> None:
    answer = infer(shared, route)
    assert answer["negative_prompt"] is None
    assert answer["num_inference_steps"] == 30
    assert answer["guidance_scale"] == 7.5
    assert (answer["scheduler"], answer["output_format"], answer["quality"]) == (None, "png", None)
    (image,) = answer["images"]
    assert (image["width"], image["height"], image["media_type"]) == (512, 512, "image/png")
    assert 0 <= image["seed"] < 2**53
    seed = image["seed"]
    name = answer["id"]
    expected = GenerationRequest(id=name, model_id=MODEL.id, prompt="a red circle", seed=seed)
    assert shared.generator.drawn == [expected]


def test_settings_provide_the_defaults_of_steps_and_guidance() -> None:
    settings = make_settings(default_inference_steps=12, default_guidance_scale=3.5)
    with running_service(settings) as service:
        for route in ROUTES:
            answer = infer(service, route)
            assert (answer["num_inference_steps"], answer["guidance_scale"]) == (12, 3.5)
            answer = infer(service, route, num_inference_steps=2, guidance_scale=9)
            assert (answer["num_inference_steps"], answer["guidance_scale"]) == (2, 9.0)


def test_a_negative_prompt_of_null_stays_null(shared: Service) -> None:
    assert infer(shared, negative_prompt=None)["negative_prompt"] is None
    assert infer(shared, negative_prompt="")["negative_prompt"] == ""


@pytest.mark.parametrize("num_images", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 41, 2**53 - 4])
def test_image_i_has_seed_s_plus_i(shared: Service, seed: int, num_images: int) -> None:
    answer = infer(shared, seed=seed, num_images=num_images)
    assert [image["seed"] for image in answer["images"]] == list(range(seed, seed + num_images))


def test_the_seeds_of_images_with_a_random_seed_are_consecutive_too(shared: Service) -> None:
    first, *others = [image["seed"] for image in infer(shared, num_images=4)["images"]]
    assert others == [first + 1, first + 2, first + 3]


def test_the_seed_of_one_image_gives_the_same_image_alone(shared: Service) -> None:
    together = infer(shared, seed=5, num_images=3)
    assert len(set(pictures(together))) == 3
    alone = [infer(shared, seed=image["seed"]) for image in together["images"]]
    assert [pictures(answer)[0] for answer in alone] == pictures(together)


def test_the_same_request_under_another_id_gives_the_same_bytes(shared: Service) -> None:
    first = infer(shared, seed=5, num_images=2)
    assert pictures(infer(shared, "/infer", seed=5, num_images=2)) == pictures(first)
    assert pictures(infer(shared, seed=6, num_images=2)) != pictures(first)


def test_a_random_seed_can_be_sent_again(shared: Service) -> None:
    first = infer(shared)
    again = infer(shared, seed=first["images"][0]["seed"])
    assert pictures(again) == pictures(first)


@pytest.mark.parametrize("size", [(256, 256), (257, 1023), (1024, 300), (1024, 1024)])
def test_each_image_is_a_png_of_exactly_that_size(shared: Service, size: tuple[int, int]) -> None:
    answer = infer(shared, width=size[0], height=size[1], num_images=2)
    for image, data in zip(answer["images"], pictures(answer), strict=True):
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert (picture.format, picture.size) == ("PNG", size)
        assert (image["width"], image["height"]) == size


def test_a_model_id_in_upper_case_is_the_same_model(shared: Service) -> None:
    upper = infer(shared, model_id=MODEL.id.upper(), seed=3)
    assert upper["model_id"] == MODEL.id
    assert pictures(upper) == pictures(infer(shared, seed=3))


def test_warnings_of_the_generator_are_passed_on(shared: Service) -> None:
    shared.generator.warnings = ("the prompt has 99 tokens",)
    try:
        assert infer(shared)["warnings"] == ["the prompt has 99 tokens"]
    finally:
        shared.generator.warnings = ()
