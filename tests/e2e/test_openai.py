"""The official OpenAI client against gunicorn and the demo checkpoint."""

import base64
import io
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from PIL import Image

from tests.e2e.service import API_KEY, RunningService, run_demo_service
from tests.paths import DEMO_CHECKPOINT

pytestmark = pytest.mark.torch

MODEL = DEMO_CHECKPOINT.name


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with run_demo_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/openai/v1", api_key=API_KEY) as opened:
        yield opened


def draw(client: openai.OpenAI, **changes: object) -> openai.types.Image:
    more = {"seed": 7, "num_inference_steps": 8}
    asked = {"model": MODEL, "prompt": "a red circle", "size": "256x256", "extra_body": more}
    answer = client.images.generate(**(asked | changes))  # type: ignore[call-overload]
    [image] = answer.data
    assert isinstance(image, openai.types.Image)
    return image


def test_the_client_lists_the_models_and_finds_one_by_name(client: openai.OpenAI) -> None:
    listed = list(client.models.list())
    assert [model.id for model in listed] == [client.models.retrieve(MODEL).id]


def test_the_client_draws_a_picture(client: openai.OpenAI) -> None:
    image = draw(client)
    picture = Image.open(io.BytesIO(base64.b64decode(image.b64_json or "", validate=True)))
    assert (picture.format, picture.size) == ("PNG", (256, 256))
    assert "Seed: 7," in picture.info["parameters"]


def test_a_link_returns_the_same_bytes_without_a_credential(client: openai.OpenAI) -> None:
    key = {"Idempotency-Key": "once"}
    image = draw(client, extra_headers=key)
    linked = draw(client, extra_headers=key, response_format="url")
    with urllib.request.urlopen(linked.url or "") as answer:
        assert answer.read() == base64.b64decode(image.b64_json or "")


def test_the_client_raises_its_own_errors(service: RunningService, client: openai.OpenAI) -> None:
    with (
        openai.OpenAI(base_url=f"{service.url}/openai/v1", api_key="wrong") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()
    with pytest.raises(openai.NotFoundError):
        draw(client, model="gone.safetensors")
    with pytest.raises(openai.BadRequestError):
        draw(client, size="1x1")


def streamed(client: openai.OpenAI, **changes: object) -> list[Any]:
    """Return the events of a stream, as the client's own types."""
    asked: dict[str, Any] = {
        **{"model": MODEL, "prompt": "a red circle", "size": "256x256", "stream": True},
        "extra_body": {"seed": 7, "num_inference_steps": 8},
    }
    with client.images.generate(**(asked | changes)) as stream:
        return list(stream)


def test_the_client_streams_the_picture_that_it_would_have_got(client: openai.OpenAI) -> None:
    *partials, last = streamed(client, partial_images=3)
    assert [type(event) for event in partials] == [openai.types.ImageGenPartialImageEvent] * 3
    assert isinstance(last, openai.types.ImageGenCompletedEvent)
    assert last.b64_json == draw(client).b64_json
    assert last.usage.total_tokens == 0
    for event in (*partials, last):  # the client itself checks no field
        type(event).model_validate(event.model_dump())
    for number, event in enumerate(partials):
        picture = Image.open(io.BytesIO(base64.b64decode(event.b64_json, validate=True)))
        assert (event.partial_image_index, picture.format, picture.size) == (
            *(number, "PNG"),
            (224, 224),
        )


def test_the_client_raises_the_errors_of_a_stream(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="partial_images"):
        streamed(client, partial_images=4)
