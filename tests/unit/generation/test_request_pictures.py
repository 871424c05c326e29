"""The pictures that requests name reach the generator as bytes."""

import pytest

from application.pictures import HeldPictures
from domain.errors import PictureNotFound
from domain.generation.parts import SourceImage
from domain.generation.request import GenerationRequest
from domain.pictures import PictureRef
from domain.ports.image_generator import DrawingBatch, DrawingWatcher, DrawnBatch
from domain.services.drawing_watchers import CallbackWatcher
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.test_pictures import RED, picture
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec

MODEL = model_record()


class _RecordingGenerator(FakeImageGenerator):
    """Remembers the pictures of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[dict[str, bytes]] = []

    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        self.given.append(dict(batch.pictures))
        return super().draw(batch, watcher)


@pytest.fixture
def generator() -> _RecordingGenerator:
    return _RecordingGenerator()


@pytest.fixture
def pictures() -> HeldPictures:
    return HeldPictures(FakePictureCodec())


def _use_case(generator: FakeImageGenerator, pictures: HeldPictures | None) -> GenerateImages:
    registry = ModelRegistry(FakeModelSource({MODEL.path: b"weights"}))
    registry.refresh()
    return GenerateImages(registry, generator, FakePictureCodec(), pictures=pictures)


def _request(name: str, *refs: PictureRef) -> GenerationRequest:
    source = None
    if refs:
        source = SourceImage(init_image=refs[0], mask_image=refs[1] if refs[1:] else None)
    return GenerationRequest(id=name, model_id=MODEL.id, prompt="x", seed=7, source=source)


def test_the_generator_gets_the_bytes_of_each_picture_once(
    generator: _RecordingGenerator, pictures: HeldPictures
) -> None:
    red, blue = pictures.keep("me", RED).ref, pictures.keep("me", picture("blue")).ref
    use_case = _use_case(generator, pictures)
    use_case(_request("a", red, blue))
    use_case(_request("b", red, red))
    use_case(_request("c"))
    assert generator.given == [{red.id: RED, blue.id: picture("blue")}, {red.id: RED}, {}]


def test_the_pictures_of_all_requests_of_a_batch_are_given(
    generator: _RecordingGenerator, pictures: HeldPictures
) -> None:
    red = pictures.keep("me", RED).ref
    requests = [_request("a", red), _request("b", red)]
    _use_case(generator, pictures).draw(requests, at_once=1, watcher=CallbackWatcher())
    assert generator.given == [{red.id: RED}]


def test_a_picture_that_is_gone_is_an_error_before_the_drawing(
    generator: _RecordingGenerator, pictures: HeldPictures
) -> None:
    ref = HeldPictures(FakePictureCodec()).keep("me", RED).ref
    for source in (pictures, None):
        with pytest.raises(PictureNotFound) as caught:
            _use_case(generator, source)(_request("a", ref))
        assert caught.value.picture_id == ref.id
    assert generator.given == []
