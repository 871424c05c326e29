"""Progress and interruption of pictures that are drawn from pictures, or in two passes."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from domain.services.drawing_watchers import GenerationStep
from tests.http.automatic1111.sdapi import IMG2IMG, TXT2IMG, body, error_of, from_picture, picture
from tests.http.conftest import AUTHORIZED, Service

PROGRESS = "/sdapi/v1/progress?skip_current_image=true"
EXTRAS = "/sdapi/v1/extra-single-image"


def steps_of(service: Service, url: str, sent: dict[str, object]) -> list[dict[str, Any]]:
    """Return the state after each step of the drawing."""
    seen: list[dict[str, Any]] = []

    def look(_step: GenerationStep) -> None:
        client = service.container.app().test_client()
        seen.append(client.get(PROGRESS, headers=AUTHORIZED).get_json())

    service.generator.after_step = look
    response = service.client.post(url, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    return seen


@pytest.mark.parametrize("strength, steps", [(1, 20), (0.75, 15), (0.5, 10), (0.29, 5), (0.01, 1)])
def test_the_steps_are_those_that_run(service: Service, strength: float, steps: int) -> None:
    sent = from_picture(denoising_strength=strength, steps=20)
    seen = steps_of(service, IMG2IMG, sent)
    counts = [(each["state"]["sampling_step"], each["state"]["sampling_steps"]) for each in seen]
    assert counts == [(done, steps) for done in range(1, steps + 1)]
    assert seen[-1]["progress"] == 1


def test_the_steps_of_both_passes_count_together(service: Service) -> None:
    sent = body(enable_hr=True, steps=6, hr_second_pass_steps=4, denoising_strength=0.5, width=256)
    seen = steps_of(service, TXT2IMG, sent | {"height": 256})
    assert {each["state"]["sampling_steps"] for each in seen} == {8}
    assert [each["progress"] for each in seen] == [done / 8 for done in range(1, 9)]


def test_a_picture_that_is_enlarged_has_a_progress(service: Service) -> None:
    seen = steps_of(service, EXTRAS, {"image": picture(), "upscaler_1": "Lanczos"})
    assert seen[-1]["progress"] == 1
    assert seen[-1]["state"]["job"].startswith("sdapi-")


@pytest.fixture(params=["interrupt", "skip"])
def stop(request: pytest.FixtureRequest) -> str:
    return f"/sdapi/v1/{request.param}"


BODIES: dict[str, tuple[str, dict[str, object]]] = {
    "img2img": (IMG2IMG, from_picture()),
    "several": (IMG2IMG, body(init_images=[picture("red"), picture("blue")])),
    "hires": (TXT2IMG, body(enable_hr=True, width=256, height=256)),
    "extras": (EXTRAS, {"image": picture(), "upscaler_1": "Lanczos"}),
}


@pytest.fixture(params=BODIES)
def waiting(request: pytest.FixtureRequest, service: Service) -> Iterator[list[TestResponse]]:
    """A call that waits for a picture, and its answer once it ends."""
    url, sent = BODIES[request.param]
    answers: list[TestResponse] = []
    client = service.container.app().test_client()
    service.generator.gate.clear()

    def ask() -> None:
        answers.append(client.post(url, json=sent, headers=AUTHORIZED))

    thread = threading.Thread(target=ask)
    thread.start()
    assert service.generator.began.wait(30)
    yield answers
    service.generator.gate.set()
    thread.join(30)
    error_of(answers[0], 409)
    # The second of several pictures may begin before the call learns of the end of the first.
    number = len(service.generator.drawn) + len(service.generator.enlarged)
    assert number <= (1 if request.param == "several" else 0)


def test_a_call_that_waits_is_stopped(
    service: Service, waiting: list[TestResponse], stop: str
) -> None:
    assert service.client.post(stop, headers=AUTHORIZED).status_code == 200
    assert waiting == []
