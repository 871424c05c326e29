"""YAML of strangers is bounded before anything is built."""

import time

import pytest

from adapters.filesystem.training.beside import MAX_YAML_BYTES
from adapters.filesystem.training.yaml_text import UnreadableYaml, parsed_yaml


def test_values_are_tables_lists_and_texts() -> None:
    text = b"model:\n  params:\n    timesteps: 1_000\n    use_ema: False\n    sizes: [1, 2.5, ~]\n"
    assert parsed_yaml(text) == {
        "model": {"params": {"timesteps": "1_000", "use_ema": "False", "sizes": ["1", "2.5", "~"]}}
    }


@pytest.mark.parametrize("text", [b"", b"# a comment alone\n", b"\xef\xbb\xbfa: 1", b"a text"])
def test_other_documents_are_read_too(text: bytes) -> None:
    assert parsed_yaml(text) in ("", None, {"a": "1"}, "a text")


LAUGHS = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c]\n" % (97 + n, 97 + n, 96 + n, 96 + n) for n in range(1, 20)
)
MERGES = b"a: &a {x: 1}\n" + b"".join(
    b"%c: &%c {<<: [*%c, *%c], y%d: 1}\n" % (97 + n, 97 + n, 96 + n, 96 + n, n)
    for n in range(1, 20)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "references"),
        (MERGES, "references"),
        (b"a: &a [*a]", "references"),
        (b"[" * 20_000, "nested more than 32 deep"),
        (b"{a: " * 100 + b"}" * 100, "nested more than 32 deep"),
        (b"".join(b"%s- a:\n" % (b" " * n) for n in range(0, 200, 2)), "nested more than 32"),
        (b"- 1\n" * 21_000, "more than 20,000 values"),
        (b"a: [1", "is not YAML"),
        (b"a: 1\n---\nb: 2", "is not YAML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a: \x00", "is not YAML"),
    ],
)
def test_what_is_out_of_bounds_is_refused_at_once(text: bytes, reason: str) -> None:
    started = time.process_time()
    with pytest.raises(UnreadableYaml, match=reason):
        parsed_yaml(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        b"!!python/object/apply:os.system ['exit 1']",
        b"!!python/name:os.system ''",
        b"a: !!python/object/new:subprocess.Popen [[false]]",
    ],
)
def test_tags_name_nothing(text: bytes) -> None:
    assert parsed_yaml(text) in (["exit 1"], "", {"a": [["false"]]})


def test_numbers_are_texts_however_long() -> None:
    assert parsed_yaml(b"a: " + b"9" * 60_000) == {"a": "9" * 60_000}
    assert parsed_yaml(b"a: 1" + b":59" * 20_000) == {"a": "1" + ":59" * 20_000}
    assert MAX_YAML_BYTES < 100_000
