"""Cards in metadata and in files beside models."""

import json
import os
from pathlib import Path

import pytest

from adapters.filesystem.cards.beside import MAX_CARD_BYTES
from adapters.filesystem.cards.fields import MAX_PROMPTS, MAX_TEXT, MAX_WORDS, card_of
from adapters.filesystem.cards.metadata import card_in
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.models.card import NO_CARD, ModelCard
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.unit.filesystem.model_files import safetensors_file

METADATA = {
    "modelspec.description": "Cats.",
    "sample_prompts": '["a cat"]',
    "known_words": '["cat", "cats"]',
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def listed(source: FilesystemModelSource) -> ModelRecord:
    registry = ModelRegistry(source)
    registry.refresh()
    (record,) = registry.models()
    return record


def test_metadata_describes_what_a_model_draws() -> None:
    assert card_in(METADATA) == ModelCard("Cats.", ("a cat",), ("cat", "cats"))
    assert card_in({}) == NO_CARD


@pytest.mark.parametrize("text", ["no JSON", "[" * 100_000, '{"a": 1}', "7", '["' + "x" * 300_000])
def test_metadata_of_another_form_is_ignored(text: str) -> None:
    assert card_in({"known_words": text, "sample_prompts": text}) == NO_CARD


def test_the_limits_of_a_card() -> None:
    longest = "x" * MAX_TEXT
    assert card_of({"description": longest}).description == longest
    assert card_of({"description": longest + "x"}).description == "x" * (MAX_TEXT - 1) + "…"
    assert card_of({"sample_prompts": [longest, longest + "y"]}).sample_prompts == (longest,)
    prompts = [str(number) for number in range(MAX_PROMPTS + 1)]
    assert card_of({"sample_prompts": prompts}).sample_prompts == tuple(prompts[:-1])
    words = [str(number) for number in range(MAX_WORDS + 1)]
    assert card_of({"known_words": words}).known_words == tuple(words[:-1])
    assert card_of({"known_words": ["w" * 50, "w" * 51]}).known_words == ("w" * 50,)


def test_values_that_are_not_text_are_skipped_and_text_is_one_line() -> None:
    card = card_of(
        {"description": " two\nlines\x1b[0m \x00", "sample_prompts": ["a", 7, None, "", " ", "a"]}
    )
    assert card == ModelCard("two lines [0m", ("a",))
    others: tuple[object, ...] = (7, {}, "", None, True)
    for value in others:
        assert card_of({"description": value, "sample_prompts": value}) == NO_CARD
    assert card_of({"description": ["a"], "sample_prompts": "a", "known_words": "a"}) == NO_CARD
    (half,) = card_of({"known_words": ["\ud800"]}).known_words
    assert half.encode() == b"?"


def test_a_record_keeps_the_metadata_in_a_later_run(folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(safetensors_file({"x": (1,)}, METADATA))
    for _ in range(2):
        cache = IdentityCache("models.sqlite")
        record = listed(FilesystemModelSource(["models"], cache, settle_seconds=0))
        cache.close()
        assert record.card == ModelCard("Cats.", ("a cat",), ("cat", "cats"))


def test_a_file_beside_the_model_overrides_its_metadata_by_field(folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(safetensors_file({"x": (1,)}, METADATA))
    (folder / "a.json").write_text('{"description": "Dogs.", "activation text": "dog"}')
    record = listed(FilesystemModelSource(["models"], settle_seconds=0))
    assert record.card == ModelCard("Dogs.", ("a cat",), ("cat", "cats"))


def test_a_folder_has_its_card_beside_it(folder: Path) -> None:
    (folder / "a.b").mkdir()
    (folder / "a.b" / "model_index.json").write_text("{}")
    (folder / "a.b.json").write_text('{"description": "Dogs."}')
    record = listed(FilesystemModelSource(["models"], settle_seconds=0))
    assert (record.path, record.description) == ("models/a.b", "Dogs.")


def test_a_changed_card_is_read_again_and_the_id_stays(folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(safetensors_file({"x": (1,)}))
    source = FilesystemModelSource(["models"], settle_seconds=0)
    first = listed(source)
    card = folder / "a.json"
    for text in ("Cats.", "Other cats."):
        card.write_text(json.dumps({"description": text}))
        record = listed(source)
        assert (record.id, record.description) == (first.id, text)
    card.unlink()
    assert listed(source) == first


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b" " * (MAX_CARD_BYTES + 1), "more than"),
    ],
)
def test_an_unreadable_card_is_reported_once(
    folder: Path, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    (folder / "a.safetensors").write_bytes(safetensors_file({"x": (1,)}))
    (folder / "a.json").write_bytes(content)
    source = FilesystemModelSource(["models"], settle_seconds=0)
    for _ in range(3):
        assert listed(source).card == NO_CARD
    (line,) = [line for line in caplog.messages if "a.json" in line]
    assert reason in line


def test_a_card_of_the_largest_size_is_read(folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(safetensors_file({"x": (1,)}))
    content = b'{"description": "Cats."}'
    (folder / "a.json").write_bytes(content + b" " * (MAX_CARD_BYTES - len(content)))
    assert listed(FilesystemModelSource(["models"], settle_seconds=0)).description == "Cats."


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_card_that_is_not_a_regular_file_is_not_opened(folder: Path, make: object) -> None:
    (folder / "a.safetensors").write_bytes(safetensors_file({"x": (1,)}))
    make(folder / "a.json")  # type: ignore[operator]
    assert listed(FilesystemModelSource(["models"], settle_seconds=0)).card == NO_CARD
