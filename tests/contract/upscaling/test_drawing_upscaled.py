"""Finished pictures are enlarged with the upscaler that a request names."""

import dataclasses
from typing import Any

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.pictures.codec import PillowPictureCodec
from domain.errors import ModelNotLoadable
from domain.generation.parts import SecondPass, Upscale
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.ports.image_generator import DrawingBatch, DrawingWatcher
from tests.contract.conftest import DEMO_MODEL
from tests.contract.upscaling.upscaler_files import array, record
from tests.fakes.model_locator import FakeModelLocator
from tests.paths import DEMO_UPSCALER

pytestmark = pytest.mark.torch

UPSCALER = record(DEMO_UPSCALER, "ca" * 32)


def generator_of(*models: ModelRecord, **options: Any) -> DiffusersImageGenerator:
    locator = FakeModelLocator(DEMO_MODEL, UPSCALER, *models)
    return DiffusersImageGenerator(
        locator, PillowPictureCodec(), device="cpu", dtype="float32", **options
    )


class Watcher(DrawingWatcher):
    """Counts what a generator reports, and may end the drawing."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.loads: list[bool] = []
        self._stop_after = stop_after

    def loading(self, loaded: bool = False) -> None:
        self.loads.append(loaded)

    def step(self, done: int, total: int) -> None:
        self.steps.append((done, total))
        if self._stop_after is not None and len(self.steps) > self._stop_after:
            raise InterruptedError

    def wants_preview(self, number: int) -> bool:
        return False

    def preview(self, number: int, jpeg: bytes) -> None:
        raise AssertionError("no preview is wanted")


def drawn(
    generator: DiffusersImageGenerator, request: GenerationRequest, watcher: Watcher | None = None
) -> list[Raster]:
    batch = DrawingBatch(requests=(request,))
    (found,) = generator.draw(batch, watcher or Watcher()).requests
    return [image.raster for image in found.images]


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return generator_of()


def test_the_result_is_the_plain_picture_enlarged(
    generator: DiffusersImageGenerator, request_for: Any
) -> None:
    (plain,) = drawn(generator, request_for())
    (own,) = drawn(generator, request_for(upscale=Upscale(model_id=UPSCALER.id)))
    (larger,) = drawn(generator, request_for(upscale=Upscale(model_id=UPSCALER.id, scale=3.0)))
    assert (own.width, own.height) == (512, 512)
    assert (larger.width, larger.height) == (768, 768)
    upscalers = generator._prepared().upscalers
    upscaler = upscalers.loaded(UPSCALER.id)
    assert (array(own) == array(upscalers.enlarge_by(plain, upscaler))).all()
    assert (array(larger) == array(upscalers.enlarge_by(plain, upscaler, 3.0))).all()


def test_progress_stays_at_the_last_step_and_cancelling_works_between_tiles(
    generator: DiffusersImageGenerator, request_for: Any
) -> None:
    wanted = request_for(upscale=Upscale(model_id=UPSCALER.id, scale=2.0))
    watcher = Watcher()
    drawn(generator, wanted, watcher)
    assert watcher.steps[:2] == [(1, 2), (2, 2)]
    assert len(watcher.steps) > 2
    assert set(watcher.steps[2:]) == {(2, 2)}
    with pytest.raises(InterruptedError):
        drawn(generator, wanted, Watcher(stop_after=2))


def test_the_second_pass_begins_with_the_enlarged_picture(
    generator: DiffusersImageGenerator, request_for: Any
) -> None:
    (plain,) = drawn(generator, request_for())
    by_model, by_filter = (
        drawn(
            generator,
            request_for(second_pass=SecondPass(scale=1.5, strength=0.0, upscaler=upscaler)),
        )[0]
        for upscaler in (UPSCALER.id, "lanczos")
    )
    assert (by_model.width, by_model.height) == (384, 384)
    upscalers = generator._prepared().upscalers
    enlarged = upscalers.enlarge_by(plain, upscalers.loaded(UPSCALER.id), 1.5)
    # The autoencoder stands between them. After two steps a picture is mostly noise to it.
    assert abs(array(by_model) - array(enlarged)).mean() < 20
    assert (array(by_model) != array(by_filter)).any()


def test_upscalers_share_the_limit_of_the_cache(request_for: Any) -> None:
    wanted = request_for(upscale=Upscale(model_id=UPSCALER.id))
    roomy, tight = generator_of(), generator_of(cache_bytes=0)
    for each in (roomy, tight):
        drawn(each, wanted)
    loaded = {model.id: model.size for model in roomy.report.loaded_models}
    assert list(loaded) == [UPSCALER.id, DEMO_MODEL.id]
    assert 100_000 < loaded[UPSCALER.id] < 1_000_000
    assert [model.id for model in tight.report.loaded_models] == [DEMO_MODEL.id]
    watcher = Watcher()
    drawn(roomy, wanted, watcher)
    assert watcher.loads == [True]


def test_a_model_of_another_kind_does_not_enlarge(request_for: Any) -> None:
    other = dataclasses.replace(DEMO_MODEL, id="0d" * 32)
    with pytest.raises(ModelNotLoadable, match="not an upscaler"):
        drawn(generator_of(other), request_for(upscale=Upscale(model_id=other.id)))
