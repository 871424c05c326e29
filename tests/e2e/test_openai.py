"""The official OpenAI client against gunicorn and the demo checkpoint."""

import base64
import io
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from PIL import Image, ImageChops, ImageStat

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


MORE = {"seed": 7, "num_inference_steps": 8}


@pytest.fixture(scope="module")
def original(client: openai.OpenAI) -> bytes:
    """A picture of the demo model."""
    return base64.b64decode(draw(client).b64_json or "")


def edited(client: openai.OpenAI, image: object, **changes: Any) -> Image.Image:
    """Return the picture that is drawn from `image`."""
    more = MORE | changes.pop("more", {})
    asked = {"model": MODEL, "image": image, "prompt": "a blue circle", "extra_body": more}
    answer = client.images.edit(**(asked | changes))
    (one,) = answer.data
    return Image.open(io.BytesIO(base64.b64decode(one.b64_json, validate=True))).convert("RGB")


def distance(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures of one size, from 0 to 255."""
    return float(ImageStat.Stat(ImageChops.difference(one, other).convert("L")).mean[0])


def with_hole(picture: bytes, box: tuple[int, int, int, int]) -> bytes:
    """Return a PNG of this picture that is transparent in a box."""
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    image.paste((0, 0, 0, 0), box)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_the_client_draws_from_a_picture(client: openai.OpenAI, original: bytes) -> None:
    before = Image.open(io.BytesIO(original)).convert("RGB")
    changes = [
        distance(before, edited(client, original, more={"strength": strength}))
        for strength in (0.0, 0.5, 1.0)
    ]
    assert changes == sorted(changes)
    assert changes[0] < 6 < changes[2]
    again = edited(client, [("circle.png", original, "image/png")], more={"strength": 0.5})
    assert distance(before, again) == changes[1]


@pytest.mark.parametrize("how", ["mask", "own transparency"])
def test_outside_the_mask_nothing_changes(client: openai.OpenAI, original: bytes, how: str) -> None:
    holed = with_hole(original, (0, 0, 128, 256))
    sent = {"image": original, "mask": holed} if how == "mask" else {"image": holed}
    after = edited(client, **sent, more={"mask_blur": 0, "strength": 1.0})
    before = Image.open(io.BytesIO(original)).convert("RGB")
    kept, drawn_again = (128, 0, 256, 256), (0, 0, 128, 256)
    assert after.crop(kept).tobytes() == before.crop(kept).tobytes()
    assert distance(after.crop(drawn_again), before.crop(drawn_again)) > 1


def test_an_object_in_the_form_of_an_edit_is_read(client: openai.OpenAI, original: bytes) -> None:
    second = {"second_pass": {"scale": 1.5, "strength": 0.25}}
    assert edited(client, original, more=second).size == (384, 384)


def test_the_client_streams_an_edit(client: openai.OpenAI, original: bytes) -> None:
    stream = client.images.edit(
        model=MODEL,
        image=original,
        prompt="a blue circle",
        stream=True,
        partial_images=2,
        extra_body=MORE | {"strength": 1.0},
    )
    with stream:
        *partials, last = list(stream)
    assert [type(event) for event in partials] == [openai.types.ImageEditPartialImageEvent] * 2
    assert isinstance(last, openai.types.ImageEditCompletedEvent)
    for event in (*partials, last):
        type(event).model_validate(event.model_dump())
    assert last.size == "256x256"


def test_the_client_raises_its_own_errors_for_edits(client: openai.OpenAI, original: bytes) -> None:
    with pytest.raises(openai.BadRequestError, match="2 pictures") as caught:
        edited(client, [original, original])
    assert caught.value.param == "image"
    with pytest.raises(openai.BadRequestError, match="mask"):
        edited(client, original, mask=original)
    with pytest.warns(DeprecationWarning), pytest.raises(openai.NotFoundError):
        client.images.create_variation(image=original)
