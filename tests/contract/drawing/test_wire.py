"""What crosses the port of a generator could cross a wire: it is pickled, and drawn elsewhere."""

import pickle
import threading
from collections.abc import Iterator

import pytest

from domain.errors import (
    DomainError,
    InvalidRequest,
    ModelNotLoadable,
    OutOfMemory,
)
from domain.generation.parts import SecondPass, SourceImage
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest, Timings
from domain.pictures import PictureRef
from domain.ports.image_generator import (
    DrawingBatch,
    DrawnBatch,
    DrawnImage,
    DrawnRequest,
)
from domain.samplers import Scheduler
from domain.services.drawing_watchers import CallbackWatcher
from domain.services.encode_pictures import Drawn
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec
from tests.fakes.remote_generator import RemoteGenerator
from tests.unit.errors.test_domain_errors import SAMPLES

MODEL = model_record()
UNLOADABLE = model_record(b"broken", "models/broken.safetensors")


def request(name: str = "r1", **changes: object) -> GenerationRequest:
    values: dict[str, object] = {
        "id": name,
        "model_id": MODEL.id,
        "prompt": "山と湖",
        "seed": 7,
        "num_inference_steps": 3,
        "width": 256,
        "height": 256,
    }
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


PICTURE = PictureRef(id="cd" * 32, media_type="image/png", size=9, width=300, height=200)
DRAWN = DrawnRequest(
    images=(DrawnImage(Raster(2, 1, b"abcdef"), 7),), sampler="Euler a", warnings=("a", "b")
)
BATCH = DrawnBatch(requests=(DRAWN,), timings=Timings(load=1.0, generate=2.0))
VALUES = (
    DrawingBatch(requests=(request(), request("r2", prompt="x")), at_once=2),
    DrawingBatch(
        requests=(request(scheduler=Scheduler.DDIM, negative_prompt="", num_images=2),),
        pictures={"ab" * 32: b"a picture"},
    ),
    DrawingBatch(
        requests=(
            request(
                source=SourceImage(init_image=PICTURE, mask_image=PICTURE, mask_blur=2),
                second_pass=SecondPass(scale=1.5),
            ),
        ),
        pictures={PICTURE.id: b"a picture"},
    ),
    BATCH,
    Drawn(
        request=request(),
        pictures=DRAWN,
        timings=BATCH.timings,
        warnings=("c",),
        began=1.0,
        ended=2.0,
    ),
)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("error", SAMPLES, ids=repr)
def test_each_domain_error_is_the_same_after_pickling(error: DomainError, protocol: int) -> None:
    loaded = pickle.loads(pickle.dumps(error, protocol))
    assert type(loaded) is type(error)
    assert (str(loaded), loaded.facts) == (str(error), error.facts)


def _fake() -> FakeImageGenerator:
    generator = FakeImageGenerator(largest_batch=4)
    generator.fits = 2
    generator.unloadable = {UNLOADABLE.id}
    return generator


@pytest.fixture(scope="module")
def remote() -> Iterator[RemoteGenerator]:
    generator = RemoteGenerator(_fake)
    yield generator
    generator.close()


def test_pictures_of_another_process_are_the_same(remote: RemoteGenerator) -> None:
    batch = DrawingBatch(requests=(request(num_images=2), request("b", prompt="x")), at_once=2)
    assert remote.draw(batch, CallbackWatcher()) == _fake().draw(batch, CallbackWatcher())


def test_steps_loads_and_previews_come_from_another_process(remote: RemoteGenerator) -> None:
    told: list[object] = []
    batch = DrawingBatch(requests=(request(), request("b")), at_once=2)
    watcher = CallbackWatcher(
        on_step=lambda step: told.append((step.done, step.total)),
        on_load=told.append,
        on_preview=lambda number, jpeg: told.append((number, jpeg[:2])),
    )
    remote.draw(batch, watcher)
    looks = [(0, b"\xff\xd8"), (1, b"\xff\xd8")]
    assert told == [False, True, (1, 3), *looks, (2, 3), *looks, (3, 3), *looks]


def test_a_watcher_stops_another_process_with_its_own_exception(remote: RemoteGenerator) -> None:
    class Interrupted(Exception):
        """It cannot be pickled, and need not be: a lock goes with it."""

        lock = threading.Lock()

    error, told = Interrupted(threading.Lock()), []

    def stop(step: object) -> None:
        told.append(step)
        raise error

    with pytest.raises(Interrupted) as caught:
        remote.draw(DrawingBatch(requests=(request(),)), CallbackWatcher(on_step=stop))
    assert caught.value is error
    assert len(told) == 1
    assert remote.draw(DrawingBatch(requests=(request(),)), CallbackWatcher()).requests


def test_errors_come_from_another_process_as_they_are(remote: RemoteGenerator) -> None:
    with pytest.raises(OutOfMemory, match="3 images do not fit"):
        remote.draw(DrawingBatch(requests=(request(num_images=3),), at_once=3), CallbackWatcher())
    with pytest.raises(ModelNotLoadable, match="not a checkpoint"):
        remote.draw(DrawingBatch(requests=(request(model_id=UNLOADABLE.id),)), CallbackWatcher())


def test_pictures_from_pictures_of_another_process_are_the_same(remote: RemoteGenerator) -> None:
    wanted = request(
        source=SourceImage(init_image=PICTURE, strength=0.7), second_pass=SecondPass(scale=1.5)
    )
    batch = DrawingBatch(requests=(wanted,), pictures={PICTURE.id: b"a picture"})
    found = remote.draw(batch, CallbackWatcher())
    assert found == _fake().draw(batch, CallbackWatcher())
    raster = found.requests[0].images[0].raster
    assert (raster.width, raster.height) == (384, 384)


def test_the_use_case_draws_in_another_process(remote: RemoteGenerator) -> None:
    registry = ModelRegistry(FakeModelSource({MODEL.path: b"weights"}))
    registry.refresh()
    near, far = (
        GenerateImages(registry, generator, FakePictureCodec())(request(num_images=4))
        for generator in (_fake(), remote)
    )
    assert far.images == near.images
    assert [image.seed for image in far.images] == [7, 8, 9, 10]
    with pytest.raises(InvalidRequest):
        GenerateImages(registry, remote, FakePictureCodec())(request(width=4096))
