import json
from pathlib import Path

import pytest

from adapters.diffusion.configuration import configuration_folder, embedded_configuration
from domain.errors import ModelNotLoadable

FILES = {
    "unet/config.json": "{}",
    "vae/config.json": "{}",
    "text_encoder/config.json": "{}",
    "scheduler/scheduler_config.json": "{}",
    "tokenizer/vocab.json": "{}",
    "tokenizer/merges.txt": "a b",
    "tokenizer/tokenizer_config.json": "{}",
}


def test_a_checkpoint_without_one_has_none() -> None:
    assert embedded_configuration({"format": "pt", "modelspec.title": "x"}) is None


def test_the_files_are_taken_as_they_are() -> None:
    files = embedded_configuration(FILES | {"format": "pt"})
    assert files is not None
    assert {name: files[name] for name in FILES} == FILES
    assert "format" not in files


def test_no_class_is_named_by_the_file() -> None:
    hostile = json.dumps({"_class_name": "Evil", "unet": ["os", "system"]})
    files = embedded_configuration(FILES | {"model_index.json": hostile})
    assert files is not None
    assert "os" not in json.loads(files["model_index.json"])["unet"]


def test_other_names_never_become_files() -> None:
    files = embedded_configuration(FILES | {"../../evil.json": "{}", "unet/evil.py": "x"})
    assert files is not None
    assert set(files) == {*FILES, "model_index.json"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_that_lacks_a_file_is_refused_by_its_name(name: str) -> None:
    files = {key: text for key, text in FILES.items() if key != name}
    with pytest.raises(ModelNotLoadable, match=name):
        embedded_configuration(files)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000])
def test_one_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ModelNotLoadable, match=r"unet/config\.json"):
        embedded_configuration(FILES | {"unet/config.json": text})


def test_one_that_is_huge_is_refused() -> None:
    with pytest.raises(ModelNotLoadable, match="characters"):
        embedded_configuration(FILES | {"tokenizer/merges.txt": "a" * 8_000_001})


def test_the_folder_holds_the_files_and_goes_away() -> None:
    with configuration_folder(FILES) as folder:
        for name, text in FILES.items():
            assert Path(folder, name).read_text() == text
    assert not Path(folder).exists()
