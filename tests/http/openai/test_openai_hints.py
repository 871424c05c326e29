"""What clients of that API send besides the prompt: hints, sizes, numbers."""

import dataclasses

import pytest
from werkzeug.test import TestResponse

from domain.models.record import ModelFamily
from domain.sizes import Size
from tests.fakes.model_source import model_record
from tests.http.conftest import AUTHORIZED, MODEL, Service, make_settings, running_service

LARGE = dataclasses.replace(
    model_record(b"xl", "models/xl.safetensors"),
    family=ModelFamily.SDXL,
    native_size=Size(1024, 1024),
)
SMALL = dataclasses.replace(model_record(b"s", "models/s.pt"), native_size=Size(256, 256))
HUGE = dataclasses.replace(
    model_record(b"h", "models/h.pt"), family=ModelFamily.SDXL, native_size=Size(2048, 2048)
)


def generate(service: Service, **fields: object) -> TestResponse:
    body = {"model": MODEL.id, "prompt": "a red circle", **fields}
    return service.client.post("/openai/v1/images/generations", json=body, headers=AUTHORIZED)


@pytest.mark.parametrize(
    ("quality", "default", "steps"),
    [
        *((word, 30, 30) for word in ("auto", "standard", "medium", None)),
        *(("low", 30, 15), ("high", 30, 45), ("hd", 30, 45), ("xhigh", 30, 60), ("max", 30, 60)),
        *(("low", 1, 1), ("low", 5, 3), ("high", 5, 8), ("max", 100, 150), ("hd", 150, 150)),
    ],
)
def test_the_quality_sets_the_number_of_steps(
    quality: str | None, default: int, steps: int
) -> None:
    with running_service(make_settings(default_inference_steps=default)) as service:
        assert generate(service, quality=quality).status_code == 200
        assert service.generator.drawn[-1].num_inference_steps == steps


def test_explicit_steps_win(service: Service) -> None:
    assert generate(service, quality="hd", num_inference_steps=7).status_code == 200
    assert service.generator.drawn[-1].num_inference_steps == 7


@pytest.mark.parametrize(
    "fields",
    [
        *({"style": word} for word in ("vivid", "natural", "anything", None)),
        *({"moderation": word} for word in ("auto", "low")),
        *({"background": word} for word in ("auto", "opaque")),
        {"user": "u", "safety_identifier": "s"},
    ],
)
def test_fields_without_effect_are_accepted(shared: Service, fields: dict[str, object]) -> None:
    assert generate(shared, **fields).status_code == 200


@pytest.mark.parametrize("size", ["auto", None])
@pytest.mark.parametrize(
    ("model", "drawn"),
    [
        (MODEL, (512, 512)),
        (SMALL, (256, 256)),
        (LARGE, (1024, 1024)),
        (HUGE, (1448, 1448)),
    ],
)
def test_auto_is_the_training_size_of_the_model(
    service: Service, size: str | None, model: object, drawn: tuple[int, int]
) -> None:
    service.source.others = (SMALL, LARGE, HUGE)
    service.container.model_registry().refresh()
    response = generate(service, model=model.id, size=size)  # type: ignore[attr-defined]
    assert response.get_json()["size"] == f"{drawn[0]}x{drawn[1]}"


def test_a_size_that_the_model_does_not_draw_is_refused_with_the_limits(service: Service) -> None:
    service.source.others = (LARGE,)
    service.container.model_registry().refresh()
    assert generate(service, model=LARGE.id, size="1792x1024").status_code == 200
    response = generate(service, size="1792x1024")
    error = response.get_json()["error"]
    assert (response.status_code, error["param"]) == (400, "size")
    assert "between 256 and 1024" in error["message"]


def test_ten_pictures_and_long_prompts_are_drawn(service: Service) -> None:
    response = generate(service, n=10, prompt="p" * 32_000, guidance_scale=0)
    assert len(response.get_json()["data"]) == 10
    assert service.generator.drawn[-1].guidance_scale == 1.0
    assert generate(service, prompt="p" * 32_001).status_code == 400
