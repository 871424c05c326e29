import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from domain.errors import (
    GenerationFailed,
    InvalidRequest,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
    OutOfMemory,
)
from domain.generation.request import GenerationRequest
from domain.models.card import ModelCard
from domain.models.record import ModelFamily, PendingModel, PendingState
from domain.ports.image_generator import DrawingBatch, DrawingWatcher, DrawnBatch
from domain.samplers import Scheduler
from domain.services.drawing_watchers import CallbackWatcher
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec
from tests.unit.generation.test_plain import FULL

MODEL = model_record()
PARTS = {name: getattr(FULL, name) for name in FULL.parts}


@pytest.fixture
def generator() -> FakeImageGenerator:
    return FakeImageGenerator()


@pytest.fixture
def use_case(generator: FakeImageGenerator) -> GenerateImages:
    return GenerateImages(
        _registry(), generator, FakePictureCodec(), draw_seed=lambda: 42, clock=FakeClock()
    )


FLUX = dataclasses.replace(
    model_record(b"flux", "models/flux.1"), extension="", family=ModelFamily.FLUX
)


def _registry() -> ModelRegistry:
    source = FakeModelSource({MODEL.path: b"weights"})
    source.others = (FLUX,)
    registry = ModelRegistry(source)
    registry.refresh()
    return registry


def request(**changes: object) -> GenerationRequest:
    values: dict[str, object] = {"id": "r1", "model_id": MODEL.id, "prompt": "x", "seed": 7}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def test_every_image_has_its_seed(use_case: GenerateImages) -> None:
    result = use_case(request(num_images=3))
    assert [image.seed for image in result.images] == [7, 8, 9]
    assert result.request.seed == 7


def test_an_image_is_the_same_alone_and_in_a_batch(use_case: GenerateImages) -> None:
    among = use_case(request(num_images=3)).images[2]
    alone = use_case(request(seed=9)).images[0]
    assert among == alone


def test_a_request_without_a_seed_gets_one(use_case: GenerateImages) -> None:
    assert use_case(request(seed=None)).request.seed == 42


def test_random_seeds_differ_each_time() -> None:
    registry = ModelRegistry(FakeModelSource({MODEL.path: b"weights"}))
    registry.refresh()
    use_case = GenerateImages(registry, FakeImageGenerator(), FakePictureCodec())
    seeds = {use_case.admit(request(seed=None)).seed for _ in range(20)}
    assert len(seeds) > 1
    assert all(seed is not None and 0 <= seed < 2**32 for seed in seeds)


def test_an_unknown_model_is_refused_before_drawing(
    use_case: GenerateImages, generator: FakeImageGenerator
) -> None:
    with pytest.raises(ModelNotFound):
        use_case(request(model_id="0" * 64))
    assert generator.drawn == []


def test_warnings_of_the_generator_are_passed_on(
    use_case: GenerateImages, generator: FakeImageGenerator
) -> None:
    generator.unloadable.add(MODEL.id)
    with pytest.raises(ModelNotLoadable):
        use_case(request())


def test_steps_are_reported(use_case: GenerateImages) -> None:
    seen: list[tuple[int, int]] = []
    use_case(
        request(num_inference_steps=3), on_step=lambda step: seen.append((step.done, step.total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_images_that_do_not_fit_together_are_drawn_one_by_one() -> None:
    generator = FakeImageGenerator(largest_batch=4)
    generator.fits = 1
    result = GenerateImages(_registry(), generator, FakePictureCodec())(request(num_images=3))
    assert len(result.images) == 3
    generator.fits = 0
    with pytest.raises(OutOfMemory):
        GenerateImages(_registry(), generator, FakePictureCodec())(request(num_images=3))


def test_a_batch_gives_each_request_its_own_pictures(
    use_case: GenerateImages, generator: FakeImageGenerator
) -> None:
    first, second = request(id="a", num_images=2), request(id="b", seed=99)
    drawn = use_case.draw((first, second), at_once=4, watcher=CallbackWatcher())
    results = [use_case.finish(each) for each in drawn]
    assert [result.request.id for result in results] == ["a", "b"]
    assert [len(result.images) for result in results] == [2, 1]
    assert results[1].images == use_case(second).images
    assert generator.batches == [("a", "b"), ("b",)]


def test_a_scheduler_that_does_not_suit_the_model_is_refused_with_the_remedy(
    use_case: GenerateImages, generator: FakeImageGenerator
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        use_case(request(model_id=FLUX.id, scheduler=Scheduler.DDIM))
    (row,) = caught.value.problems
    assert row.field == "scheduler"
    assert "is 'DDIM', which flux.1 does not take" in row.message
    assert "leave it out" in row.message
    assert generator.drawn == []
    assert use_case(request(model_id=FLUX.id)).images


@pytest.mark.parametrize("scheduler", Scheduler)
def test_a_scheduler_that_the_model_lists_is_passed_on(
    use_case: GenerateImages, generator: FakeImageGenerator, scheduler: Scheduler
) -> None:
    assert use_case(request(scheduler=scheduler)).request.scheduler is scheduler
    assert [each.scheduler for each in generator.drawn] == [scheduler]


def test_a_model_whose_bytes_are_invalid_is_tried_once() -> None:
    registry = _registry()
    tries = []

    class Refuses(FakeImageGenerator):
        lasting = False

        def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
            tries.append(batch.models)
            raise ModelNotLoadable("its tensors are wrong", lasting=self.lasting)

    generator = Refuses()
    generate = GenerateImages(registry, generator, FakePictureCodec())
    for lasting in (False, True, True):
        generator.lasting = lasting
        with pytest.raises(ModelNotLoadable, match="its tensors are wrong"):
            generate(request())
        registry.refresh()
    assert len(tries) == 2
    (model,) = (each for each in registry.models() if each.id == MODEL.id)
    assert (model.loadable, model.reason) == (False, "its tensors are wrong")


def test_a_model_that_may_still_appear_is_worth_a_retry() -> None:
    source = FakeModelSource()
    pending = PendingModel("new.ckpt", "m/new.ckpt", 9, PendingState.HASHING)
    source.pending = (pending,)
    registry = ModelRegistry(source)
    generate = GenerateImages(registry, FakeImageGenerator(), FakePictureCodec())
    for look in (lambda: None, registry.look):  # before the first look, and while it is hashed
        look()
        with pytest.raises(ModelsNotRead) as caught:
            generate.admit(request())
        assert caught.value.retry_after >= 1
    source.pending = ()
    registry.look()
    with pytest.raises(ModelNotFound):
        generate.admit(request())


def test_a_prompt_without_words_that_the_model_knows_gets_a_warning() -> None:
    generator = FakeImageGenerator()
    generator.warnings = ("the prompt is long",)
    source = FakeModelSource()
    source.others = (dataclasses.replace(MODEL, card=ModelCard(known_words=("lake",))),)
    registry = ModelRegistry(source)
    registry.refresh()
    use_case = GenerateImages(registry, generator, FakePictureCodec())
    unknown, long = use_case(request(prompt="a cat")).warnings
    assert "knows no word of the prompt" in unknown
    assert long == "the prompt is long"
    assert use_case(request(prompt="a lake")).warnings == ("the prompt is long",)


@pytest.mark.parametrize("embedded", [True, False])
def test_a_picture_carries_its_parameters_unless_that_is_off(embedded: bool) -> None:
    codec = FakePictureCodec()
    GenerateImages(_registry(), FakeImageGenerator(), codec, embed_metadata=embedded)(
        request(num_images=2, prompt="a lake")
    )
    seeds = ["Seed: 7" in (text or "") for text in codec.texts]
    assert [text is not None for text in codec.texts] == [embedded] * 2
    assert sorted(seeds) == ([False, True] if embedded else [False] * 2)
    assert all("Sampler: Fake" in text for text in codec.texts if text)


def test_a_picture_is_cropped_to_the_requested_size(use_case: GenerateImages) -> None:
    (image,) = use_case(request(width=257, height=299)).images
    assert (image.width, image.height) == (257, 299)
    assert Image.open(io.BytesIO(image.data)).size == (257, 299)


def test_a_program_draws_no_more_together_than_the_generator_takes() -> None:
    generator = FakeImageGenerator(prepared=False, largest_batch=2)
    GenerateImages(_registry(), generator, FakePictureCodec())(request(num_images=5))
    assert generator.device == "cpu"
    assert generator.tried == [2]
    GenerateImages(_registry(), generator, FakePictureCodec())(
        request(model_id=FLUX.id, num_images=2)
    )
    assert generator.tried == [2, 1]


def test_an_error_of_encoding_comes_out(generator: FakeImageGenerator) -> None:
    codec = FakePictureCodec()
    codec.failures.append(GenerationFailed("encoding the picture failed"))
    with pytest.raises(GenerationFailed, match="encoding"):
        GenerateImages(_registry(), generator, codec)(request())


def test_pictures_can_be_finished_on_another_thread_in_order(use_case: GenerateImages) -> None:
    (drawn,) = use_case.draw((request(num_images=8),), at_once=1, watcher=CallbackWatcher())
    with ThreadPoolExecutor(2) as threads:
        finish = threads.submit(use_case.finish, drawn)
        shared = use_case.finish(drawn, encode_with=threads.map)
    assert [image.seed for image in shared.images] == list(range(7, 15))
    assert finish.result().images == shared.images


def test_previews_are_made_for_a_program_that_asks(use_case: GenerateImages) -> None:
    seen: list[int] = []
    use_case(request(num_inference_steps=3), on_preview=lambda number, _jpeg: seen.append(number))
    assert seen == [0, 0, 0]


def test_a_load_that_takes_too_long_is_stopped_and_another_attempt_has_its_time() -> None:
    clock, generator = FakeClock(), FakeImageGenerator()
    use_case = GenerateImages(
        _registry(), generator, FakePictureCodec(), clock=clock, load_timeout=10
    )

    def tick() -> None:
        clock.now += 6

    generator.after_load_tick = tick
    generator.load_ticks = 2
    assert use_case(request()).images
    generator.load_ticks = 3
    with pytest.raises(ModelNotLoadable, match="not loaded within 10 seconds"):
        use_case(request())
