"""The index of a folder, written by a stranger."""

import json

import pytest

from adapters.filesystem.classification.folders import classify_folder


def reason_for(index: dict[str, object]) -> str | None:
    text = json.dumps({"_class_name": "FluxPipeline", **index}).encode()
    return classify_folder({"model_index.json": len(text)}, lambda *_: text).reason


@pytest.mark.parametrize("library", [[], {}, 5, True])
def test_a_library_name_that_is_not_a_string_counts_as_custom_code(library: object) -> None:
    assert reason_for({"transformer": [library, "X"]}) == (
        "its transformer is custom code, and a model must not contain code"
    )


def test_a_component_without_a_value_is_absent() -> None:
    reason = reason_for({"transformer": []})
    assert reason is not None
    assert "names no scheduler, text_encoder" in reason
    assert "transformer" in reason


def test_the_name_of_a_component_is_escaped_and_shortened_in_a_reason() -> None:
    reason = reason_for({"\ud800\n\x1b" + "x" * 9999: ["evil", "X"]})
    assert reason is not None
    assert reason.startswith("its \\ud800\\n\\x1bxxx")
    assert len(reason) < 200
    reason.encode()


def test_a_deeply_nested_index_is_refused() -> None:
    for text in (b"[" * 100_000, b'{"a":' * 100_000):
        told = classify_folder({"model_index.json": len(text)}, lambda *_, text=text: text)
        assert told.reason == "its model_index.json is not JSON"
