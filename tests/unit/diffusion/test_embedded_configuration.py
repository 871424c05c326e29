"""The configuration files that a checkpoint may embed, and how they are used."""

import json
from pathlib import Path

import pytest

from adapters.diffusion.loading.embedded_configuration import configuration_folder
from domain.checkpoints.configurations import (
    CONFIGURATION_FILES,
    UnusableConfiguration,
    embedded_configuration,
)
from tests.unit.diffusion.embedded_files import FILES, changed


def test_a_checkpoint_without_an_embedded_configuration() -> None:
    assert embedded_configuration({"format": "pt", "modelspec.title": "x"}) is None


def test_only_known_files_and_fields_are_used() -> None:
    files = embedded_configuration(FILES | {"format": "pt"})
    assert files is not None
    assert set(files) == set(CONFIGURATION_FILES)
    for name in FILES.keys() - {"model_index.json", "tokenizer/merges.txt"}:
        assert json.loads(files[name]) == json.loads(FILES[name])
    assert files["tokenizer/merges.txt"] == FILES["tokenizer/merges.txt"]


def test_the_file_cannot_name_a_class() -> None:
    hostile = {"_class_name": "StableDiffusionPipeline", "unet": ["os", "system"]}
    files = embedded_configuration(FILES | {"model_index.json": json.dumps(hostile)})
    assert files is not None
    assert "os" not in json.loads(files["model_index.json"])["unet"]


@pytest.mark.parametrize("index", ["{}", '{"_class_name": "Evil"}', '{"_class_name": ["x"]}'])
def test_a_configuration_for_another_pipeline_is_refused(index: str) -> None:
    with pytest.raises(UnusableConfiguration, match=r"model_index\.json"):
        embedded_configuration(FILES | {"model_index.json": index})


def test_other_names_never_become_files() -> None:
    files = embedded_configuration(FILES | {"../../evil.json": "{}", "unet/evil.py": "x"})
    assert files is not None
    assert set(files) == set(FILES)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("tokenizer/tokenizer_config.json", "auto_map", {"AutoTokenizer": ["x.py", None]}),
        ("tokenizer/tokenizer_config.json", "tokenizer_file", "/etc/passwd"),
        ("tokenizer/tokenizer_config.json", "chat_template", "{{ x }}"),
        ("tokenizer/tokenizer_config.json", "added_tokens_decoder", {"99999": {"content": "x"}}),
        ("text_encoder/config.json", "auto_map", {"AutoModel": "x.Y"}),
        ("text_encoder/config.json", "quantization_config", {"quant_method": "x"}),
        ("text_encoder/config.json", "attn_implementation", "somebody/kernels"),
        ("text_encoder/config.json", "return_dict", False),
        ("unet/config.json", "_name_or_path", "/somewhere"),
        ("scheduler/scheduler_config.json", "lambda_min_clipped", 5.0),
    ],
)
def test_an_unknown_field_is_not_passed_on(name: str, field: str, value: object) -> None:
    files = embedded_configuration(changed(name, field, value))
    assert files is not None
    assert field not in json.loads(files[name])


def test_the_service_chooses_the_classes() -> None:
    files = embedded_configuration(
        changed("tokenizer/tokenizer_config.json", "tokenizer_class", "Evil")
        | changed("scheduler/scheduler_config.json", "_class_name", "Evil")
    )
    assert files is not None
    assert not [name for name, text in files.items() if "Evil" in text]


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_configuration_that_lacks_a_file_is_refused_with_its_name(name: str) -> None:
    files = {key: text for key, text in FILES.items() if key != name}
    with pytest.raises(UnusableConfiguration, match=name):
        embedded_configuration(files)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": NaN}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": "\ud800"}',
        '{"a": "\\ud800"}',
    ],
    ids=range(12),
)
@pytest.mark.parametrize("name", sorted(FILES.keys() - {"tokenizer/merges.txt"}))
def test_a_configuration_that_is_not_a_json_object_is_refused(name: str, text: str) -> None:
    with pytest.raises(UnusableConfiguration, match=name):
        embedded_configuration(FILES | {name: text})


def test_a_huge_configuration_is_refused() -> None:
    with pytest.raises(UnusableConfiguration, match="characters"):
        embedded_configuration(FILES | {"tokenizer/merges.txt": "a" * 8_000_001})


def test_the_folder_contains_the_files_and_is_removed() -> None:
    with configuration_folder(FILES) as folder:
        for name, text in FILES.items():
            assert Path(folder, name).read_text() == text
    assert not Path(folder).exists()
