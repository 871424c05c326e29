"""What every image generator does, the fake and the real one."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import ModelNotLoadable
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.ports.image_generator import GenerationStep, ImageGenerator
from tests.contract.conftest import DEMO_MODEL
from tests.fakes.image_generator import FakeImageGenerator

RequestFor = Callable[..., GenerationRequest]


@pytest.fixture(scope="module", params=["fake", pytest.param("diffusers", marks=pytest.mark.torch)])
def generator(request: pytest.FixtureRequest) -> Iterator[ImageGenerator]:
    if request.param == "fake":
        yield FakeImageGenerator(prepared=False)
    else:
        yield DiffusersImageGenerator(device="cpu")


@pytest.fixture
def broken(tmp_path: Path, generator: ImageGenerator) -> ModelRecord:
    """A model that no generator can load."""
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no tensors at all")
    if isinstance(generator, FakeImageGenerator):
        generator.unloadable.add("bb" * 32)
    return ModelRecord("bb" * 32, path.name, 17, str(path), ".safetensors")


def draw(generator: ImageGenerator, *requests: GenerationRequest) -> list[list[bytes]]:
    batch = generator.generate(DEMO_MODEL, requests)
    return [[image.data for image in images] for images in batch.images]


def test_the_device_is_known_after_preparation(generator: ImageGenerator) -> None:
    generator.prepare()
    generator.prepare()
    assert generator.device == "cpu"


@pytest.mark.parametrize(("width", "height"), [(256, 256), (264, 256), (257, 299)])
def test_a_picture_is_a_png_of_exactly_the_requested_size(
    generator: ImageGenerator, request_for: RequestFor, width: int, height: int
) -> None:
    batch = generator.generate(DEMO_MODEL, [request_for(width=width, height=height)])
    ((image,),) = batch.images
    assert (image.width, image.height, image.seed) == (width, height, 7)
    opened = Image.open(io.BytesIO(image.data))
    assert (opened.format, opened.size, opened.mode) == ("PNG", (width, height), "RGB")


def test_the_same_request_gives_the_same_bytes(
    generator: ImageGenerator, request_for: RequestFor
) -> None:
    assert draw(generator, request_for()) == draw(generator, request_for())


def test_everything_that_should_change_a_picture_changes_it(
    generator: ImageGenerator, request_for: RequestFor
) -> None:
    changes: list[dict[str, object]] = [
        {},
        {"seed": 8},
        {"prompt": "a blue square"},
        {"negative_prompt": "a blue square"},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 3},
    ]
    pictures = [draw(generator, request_for(**change))[0][0] for change in changes]
    pixels = {Image.open(io.BytesIO(picture)).tobytes() for picture in pictures}
    assert len(pixels) == len(changes)


def test_image_i_has_seed_s_plus_i_and_is_the_same_alone(
    generator: ImageGenerator, request_for: RequestFor
) -> None:
    (among,) = draw(generator, request_for(num_images=3))
    alone = [draw(generator, request_for(seed=seed))[0][0] for seed in (7, 8, 9)]
    assert among == alone


def test_another_picture_in_the_batch_changes_nothing(
    generator: ImageGenerator, request_for: RequestFor
) -> None:
    one = request_for(id="one")
    other = request_for(id="other", prompt="many words " * 40, seed=99, num_images=2)
    together = draw(generator, one, other)
    assert together == [draw(generator, one)[0], draw(generator, other)[0]]


def test_steps_are_reported_up_to_the_last(
    generator: ImageGenerator, request_for: RequestFor
) -> None:
    seen: list[tuple[int, int]] = []
    request = request_for(num_inference_steps=3)
    generator.generate(
        DEMO_MODEL, [request], on_step=lambda step: seen.append((step.done, step.total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_error_in_the_step_callback_stops_the_drawing(
    generator: ImageGenerator, request_for: RequestFor
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(_step: GenerationStep) -> None:
        raise Cancelled

    before = draw(generator, request_for())
    with pytest.raises(Cancelled):
        generator.generate(DEMO_MODEL, [request_for()], on_step=cancel)
    assert draw(generator, request_for()) == before


def test_a_model_that_cannot_be_loaded_is_reported_and_the_next_one_works(
    generator: ImageGenerator, request_for: RequestFor, broken: ModelRecord
) -> None:
    with pytest.raises(ModelNotLoadable, match="broken"):
        generator.generate(broken, [request_for(model_id=broken.id)])
    assert draw(generator, request_for())


def test_the_timings_add_up(generator: ImageGenerator, request_for: RequestFor) -> None:
    timings = generator.generate(DEMO_MODEL, [request_for()]).timings
    assert timings.queue == 0
    assert min(timings.load, timings.generate, timings.encode) >= 0
    assert timings.load + timings.generate + timings.encode > 0


def test_a_load_reports_progress_and_ends_when_no_job_wants_it(
    request_for: RequestFor, generator: ImageGenerator
) -> None:
    class Enough(Exception):
        pass

    def enough(_loaded: bool) -> None:
        raise Enough

    fresh: ImageGenerator = (
        FakeImageGenerator()
        if isinstance(generator, FakeImageGenerator)
        else DiffusersImageGenerator(device="cpu")  # which has loaded nothing yet
    )
    with pytest.raises(Enough), fresh.watching_loads(enough):
        fresh.generate(DEMO_MODEL, [request_for()])
    told: list[bool] = []
    with fresh.watching_loads(told.append):
        assert fresh.generate(DEMO_MODEL, [request_for()]).images
    assert told.index(True) == len(told) - 1 > 0
