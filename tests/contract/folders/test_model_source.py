"""What every model source does, the fake and the real one."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.models.record import ModelKind, ModelRecord
from domain.ports.model_source import ModelSource
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_source import FakeModelSource, model_record

Put = Callable[[str, bytes | None], None]


@pytest.fixture(params=["fake", "filesystem"])
def source_and_put(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ModelSource, Put]:
    """A source of the folder `models`, and a function that puts content there (None removes it)."""
    if request.param == "fake":
        fake = FakeModelSource()

        def put(path: str, content: bytes | None) -> None:
            fake.files.pop(path, None)
            if content is not None:
                fake.files[path] = content

        return fake, put

    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()

    def write(path: str, content: bytes | None) -> None:
        file = Path(path)
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)

    return FilesystemModelSource(["models"], settle_seconds=0, stall_seconds=0), write


def found(source: ModelSource) -> list[ModelRecord]:
    """Return the models, once every moving file has settled."""
    while not (scan := source.scan()).settled:
        source.wait(0.01)
    return sorted(scan.models, key=lambda record: record.path)


def base_fields(source: ModelSource) -> list[ModelRecord]:
    """Return the records without the facts that only a real file's header has."""
    return [
        ModelRecord(record.id, record.name, record.size, record.path, record.extension)
        for record in found(source)
    ]


def take_away(source: ModelSource) -> Callable[[], object]:
    """Remove the folder `models`; return a function that restores it."""
    if isinstance(source, FakeModelSource):
        source.away = {"models"}
        return source.away.clear
    elsewhere = Path("models").rename("elsewhere")
    return lambda: elsewhere.rename("models")


def test_an_empty_source_has_no_models(source_and_put: tuple[ModelSource, Put]) -> None:
    assert found(source_and_put[0]) == []


def test_a_record_describes_the_bytes_and_the_path(
    source_and_put: tuple[ModelSource, Put],
) -> None:
    source, put = source_and_put
    put("models/sub/a.safetensors", b"weights")
    assert base_fields(source) == [model_record(b"weights", "models/sub/a.safetensors")]


def test_the_same_bytes_have_the_same_id(source_and_put: tuple[ModelSource, Put]) -> None:
    source, put = source_and_put
    put("models/a.pt", b"same")
    put("models/b.ckpt", b"same")
    put("models/c.bin", b"other")
    ids = {record.path: record.id for record in found(source)}
    assert ids["models/a.pt"] == ids["models/b.ckpt"] != ids["models/c.bin"]


def test_changes_are_seen_by_the_next_scan(source_and_put: tuple[ModelSource, Put]) -> None:
    source, put = source_and_put
    put("models/a.pt", b"one")
    put("models/b.pt", b"two")
    found(source)
    put("models/a.pt", b"three")
    put("models/b.pt", None)
    assert base_fields(source) == [model_record(b"three", "models/a.pt")]


def test_a_missing_folder_is_unread_until_it_is_back(
    source_and_put: tuple[ModelSource, Put],
) -> None:
    source, put = source_and_put
    put("models/a.pt", b"one")
    bring_back = take_away(source)
    scan = source.scan()
    assert (scan.models, scan.pending, scan.unread) == ((), (), ("models",))
    bring_back()
    assert source.scan().unread == ()


def test_a_model_is_awaited_while_its_folder_is_away(
    source_and_put: tuple[ModelSource, Put],
) -> None:
    source, put = source_and_put
    put("models/a.pt", b"one")
    registry = ModelRegistry(source)
    registry.refresh()
    (model,) = registry.models()
    bring_back = take_away(source)
    registry.refresh()
    assert registry.models() == ()
    assert registry.awaits(model.id)
    assert not registry.awaits("0" * 64)
    bring_back()
    registry.refresh()
    assert registry.models() == (model,)
    put("models/a.pt", None)
    registry.refresh()
    assert not registry.awaits(model.id)


def test_an_empty_file_is_listed_with_the_reason(
    source_and_put: tuple[ModelSource, Put],
) -> None:
    source, put = source_and_put
    put("models/a.pt", b"")
    (record,) = found(source)
    assert (record.path, record.size, record.kind) == ("models/a.pt", 0, ModelKind.UNKNOWN)
    assert record.reason == "the file is empty; copy it again"
    put("models/a.pt", b"weights")
    assert base_fields(source) == [model_record(b"weights", "models/a.pt")]


def test_closing_ends_a_wait(source_and_put: tuple[ModelSource, Put]) -> None:
    source, _ = source_and_put
    waiting = threading.Thread(target=source.wait, args=(60,))
    waiting.start()
    source.close()
    waiting.join(10)
    assert not waiting.is_alive()
