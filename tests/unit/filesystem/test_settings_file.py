"""The file of the operator's settings."""

import logging
import os
import random
from pathlib import Path

import pytest

from adapters.filesystem.settings_file import MAX_FILE_BYTES, ModelSettingsFile
from application.settings.settings import Settings, SettingsError
from container import Container
from domain.models.settings import SETTINGS
from tests.paths import ROOT

EXAMPLE = """
["demo.safetensors"]
num_inference_steps = 20
aliases = ["fast"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(EXAMPLE)
    return path


def problem_of(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        ModelSettingsFile(path).check()
    (problem,) = caught.value.problems
    assert str(path) in problem
    assert problem.isprintable()
    return problem


def test_a_good_file_passes(path: Path) -> None:
    ModelSettingsFile(path).check()
    (table,) = ModelSettingsFile(path).read().tables
    assert (table.name, table.num_inference_steps) == ("demo.safetensors", 20)


def test_a_mark_of_the_order_of_bytes_is_skipped(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode())
    assert len(ModelSettingsFile(path).read().tables) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[demo", "the file is not TOML: "),
        (b"[demo]\n[demo]", "the file is not TOML: "),
        (b"[demo]\nclip_skip = ", "the file is not TOML: "),
        (b"a = " + b"[" * 20_000, "the file is not TOML: "),
        (b"a = " + b"9" * 20_000, "the file is not TOML: "),
        (b"[demo]\ndescription = '\xff'", "the file is not UTF-8 at byte 22"),
        (b"#" * (MAX_FILE_BYTES + 1), "the file has more than 1048576 bytes"),
        (b"clip_skip = 2", "[clip_skip] is not a table of settings"),
        (b"[demo.vae]\nname = 'x'", "[demo] vae is an object; it must be text"),
        (b"[demo]\nclip_skip = 1979-05-27", "[demo] clip_skip is datetime.date(1979, 5, 27)"),
    ],
)
def test_a_fault_ends_the_start_in_words(path: Path, data: bytes, words: str) -> None:
    path.write_bytes(data)
    assert words in problem_of(path)


def test_a_file_of_the_largest_size_is_read(path: Path) -> None:
    path.write_bytes(EXAMPLE.encode() + b"#" * (MAX_FILE_BYTES - len(EXAMPLE)))
    assert len(ModelSettingsFile(path).read().tables) == 1


def test_what_is_not_a_file_is_named(tmp_path: Path) -> None:
    assert "the file cannot be read: No such file" in problem_of(tmp_path / "none.toml")
    os.mkfifo(tmp_path / "pipe")
    assert "the file cannot be read" in problem_of(tmp_path / "pipe")
    assert "the file cannot be read" in problem_of(tmp_path)


def test_all_faults_are_in_one_message(path: Path) -> None:
    path.write_text("[a]\nclip_skip = 0\nsteps = 1\n[b]\nscheduler = 'x'")
    with pytest.raises(SettingsError) as caught:
        Container(settings=Settings(model_settings=str(path))).model_registry()
    assert len(caught.value.problems) == 3
    assert all("MODEL_SETTINGS" in each for each in caught.value.problems)


def test_a_fault_is_logged_once_and_so_is_its_end(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file = ModelSettingsFile(path)
    file.read()
    path.write_text("[demo")
    for _ in range(3):
        assert len(file.read().tables) == 1
    path.unlink()
    for _ in range(3):
        assert len(file.read().tables) == 1
    path.write_text(EXAMPLE)
    assert file.read().problem is None
    said = [record.message for record in caplog.records]
    assert ["not TOML" in said[0], "cannot be read" in said[1]] == [True, True]
    assert said[2:] == ["MODEL_SETTINGS is followed again"]


def test_an_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ModelSettingsFile(path)
    first = file.read()
    monkeypatch.setattr("adapters.filesystem.settings_file.opened_plain", None)
    assert file.read() is first


@pytest.mark.parametrize("seed", range(150))
def test_a_damaged_file_is_read_or_refused_in_words(path: Path, seed: int) -> None:
    luck = random.Random(seed)
    data = bytearray(EXAMPLE.encode())
    for _ in range(luck.randrange(1, 6)):
        place = luck.randrange(len(data))
        data[place : place + luck.randrange(3)] = luck.randbytes(luck.randrange(3))
    path.write_bytes(data)
    try:
        ModelSettingsFile(path).check()
    except SettingsError as error:
        assert all(each.isprintable() and len(each) < 1200 for each in error.problems)


def test_the_example_of_the_documentation_is_read(path: Path) -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    path.write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    first, second = ModelSettingsFile(path).read().tables
    assert dict(first.items()).keys() == set(SETTINGS)
    assert second.name == "7fc1fbc8c7b5d4a0"
