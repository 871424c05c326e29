"""What every collection of pictures does: in memory, and as the service stores them."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from adapters.storage.assembly import Storage
from application.pictures import HeldPictures, Pictures, PictureShelf, StoredPictures
from application.settings.settings import Settings
from domain.errors import PictureFileTooLarge, PictureNotFound, UnreadablePicture
from tests.fakes.picture_codec import FakePictureCodec
from tests.fakes.pictures import FakePictureIndex, FakePictureStore
from tests.fakes.stores import FakeJobStore, FakeResultStore


def picture(colour: str = "red", size: tuple[int, int] = (8, 6), kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


RED = picture()


MAKERS = ("held", "stored in fakes", "stored")


@pytest.fixture(params=MAKERS)
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pictures]:
    yield from _opened(request.param, tmp_path, max_bytes=10_000)


def _opened(kind: str, folder: Path, *, max_bytes: int) -> Iterator[Pictures]:
    if kind == "held":
        yield HeldPictures(FakePictureCodec(), max_bytes=max_bytes)
        return
    if kind == "stored":
        storage = Storage(Settings(data_dir=str(folder)))
        jobs, results = storage.jobs, storage.results
        index, store = storage.picture_index, storage.pictures
    else:
        jobs, results = fake_jobs, _ = FakeJobStore(), FakeResultStore()
        index, store = FakePictureIndex(fake_jobs), FakePictureStore()
    shelf = PictureShelf(index, store, retention_seconds=60, retention_bytes=10**9)
    yield StoredPictures(
        index, shelf, results, FakePictureCodec(), claim=lambda: None, max_bytes=max_bytes
    )
    jobs.close()


def test_a_picture_that_was_sent_is_found_by_the_hash_of_its_file(pictures: Pictures) -> None:
    kept = pictures.keep("me", RED)
    assert kept.is_new
    assert (kept.ref.media_type, kept.ref.width, kept.ref.height) == ("image/png", 8, 6)
    assert pictures.find("me", kept.ref.id) == kept.ref
    assert pictures.find("me", kept.ref.id.upper()) == kept.ref
    assert pictures.file("me", kept.ref.id) == (kept.ref, RED)
    assert pictures.read(kept.ref.id) == RED


def test_the_same_bytes_again_are_the_same_picture(pictures: Pictures) -> None:
    first, again = pictures.keep("me", RED), pictures.keep("me", RED)
    assert again.ref == first.ref
    assert (first.is_new, again.is_new) == (True, False)


def test_a_caller_does_not_learn_of_the_pictures_of_another(pictures: Pictures) -> None:
    ref = pictures.keep("me", RED).ref
    with pytest.raises(PictureNotFound):
        pictures.find("you", ref.id)
    with pytest.raises(PictureNotFound):
        pictures.file("you", ref.id)
    assert pictures.keep("you", RED).is_new
    assert pictures.file("you", ref.id) == (ref, RED)


@pytest.mark.parametrize("picture_id", ["0" * 64, "", "../../etc/passwd", "é" * 64, "0" * 63])
def test_an_unknown_picture_is_not_found(pictures: Pictures, picture_id: str) -> None:
    for call in (pictures.read, lambda name: pictures.find("me", name)):
        with pytest.raises(PictureNotFound):
            call(picture_id)


def test_what_is_not_a_picture_is_not_kept(pictures: Pictures) -> None:
    with pytest.raises(UnreadablePicture):
        pictures.keep("me", b"not a picture")


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_may_have_as_many_bytes_as_the_limit_and_no_more(kind: str, tmp_path: Path) -> None:
    for pictures in _opened(kind, tmp_path, max_bytes=len(RED)):
        pictures.keep("me", RED)
    for pictures in _opened(kind, tmp_path / "other", max_bytes=len(RED) - 1):
        with pytest.raises(PictureFileTooLarge) as caught:
            pictures.keep("me", RED)
        assert caught.value.limit == len(RED) - 1


def test_a_picture_that_was_inspected_is_not_kept(pictures: Pictures) -> None:
    ref = pictures.inspect(RED)
    with pytest.raises(PictureNotFound):
        pictures.find("me", ref.id)
    assert pictures.keep("me", RED, ref).ref == ref
    assert pictures.read(ref.id) == RED
