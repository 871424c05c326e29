"""The limits on a `tokenizer.json`, checked before the library reads it."""

import base64
import struct
from typing import Any

import pytest

from domain.checkpoints.configurations import UnusableConfiguration
from domain.checkpoints.configurations.tokenizer import check_tokenizer


def tokenizer(**sections: Any) -> dict[str, Any]:
    return {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}, **sections}


def replacing(pattern: dict[str, str], content: str, times: int = 1) -> dict[str, Any]:
    step = {"type": "Replace", "pattern": pattern, "content": content}
    return {"type": "Sequence", "normalizers": [step] * times}


def precompiled(units: list[int], texts: bytes, length: int | None = None) -> dict[str, Any]:
    data = struct.pack(f"<I{len(units)}I", 4 * len(units) if length is None else length, *units)
    return {
        "type": "Precompiled",
        "precompiled_charsmap": base64.b64encode(data + texts).decode(),
    }


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "NFC"}
    for _ in range(depth):
        inner = {"type": "Sequence", "normalizers": [inner]}
    return inner


def leaf(value: int, text: bytes) -> dict[str, Any]:
    """Return an automaton of 512 units that knows one byte, `a`, and its replacement."""
    units = [0] * 512
    units[0] = 1 << 10  # to the block that starts at 1 ^ byte
    units[1 ^ 97] = 97 | 1 << 8 | (1 ^ 97 ^ 256) << 10
    units[256] = 1 << 31 | value
    return precompiled(units, text)


WIDE = [
    r"\s+",
    r" {2,}",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"(?i:'s|'t|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+",
]


@pytest.mark.parametrize(
    "table",
    [
        tokenizer(),
        tokenizer(normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None),
        tokenizer(normalizer=nested(8)),
        tokenizer(normalizer={"type": "Prepend", "prepend": "▁"}),
        tokenizer(normalizer={"type": "Prepend", "prepend": "x" * 16}),
        tokenizer(normalizer=replacing({"String": " "}, "▁")),
        tokenizer(normalizer=replacing({"Regex": "e"}, "e" * 16)),
        tokenizer(normalizer=leaf(0, b"x" * 64 + b"\0")),
        tokenizer(padding={"strategy": {"Fixed": 2**17}, "pad_to_multiple_of": 4096}),
        tokenizer(padding={"strategy": "BatchLongest", "pad_to_multiple_of": None}),
        tokenizer(added_tokens=[{"id": 2**20 - 1, "content": "x" * 1000}]),
        tokenizer(model={"type": "Unigram", "vocab": [["a", -1.0]]}),
        *(tokenizer(pre_tokenizer={"type": "Split", "pattern": {"Regex": each}}) for each in WIDE),
    ],
    ids=str,
)
def test_the_features_of_published_tokenizers_are_allowed(table: dict[str, Any]) -> None:
    check_tokenizer("tokenizer/tokenizer.json", table)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (tokenizer(normalizer=nested(9)), "nested more than 8 deep"),
        (tokenizer(normalizer={"type": "Prepend", "prepend": "x" * 17}), "prepends more than 16"),
        (tokenizer(normalizer=replacing({"String": "e"}, "e" * 17)), "times as long"),
        (tokenizer(normalizer=replacing({"String": "e"}, "ee", times=5)), "times as long"),
        (tokenizer(normalizer=replacing({"String": ""}, "e" * 16)), "times as long"),
        (tokenizer(normalizer=replacing({"Regex": "x*"}, "e" * 16)), "times as long"),
        (tokenizer(normalizer=replacing({"String": "e"}, "e", times=65)), "65 steps"),
        (tokenizer(normalizer=replacing({}, "e")), "pattern that is none"),
        (tokenizer(normalizer=replacing({"Regex": "a" * 2001}, "e")), "more than 2000"),
        (tokenizer(normalizer=["NFC"]), "not a table"),
        (tokenizer(normalizer=leaf(0, b"x" * 65 + b"\0")), "more than 64 bytes of one"),
        (tokenizer(normalizer=leaf(2, b"x\0")), "outside its texts"),
        (tokenizer(normalizer=leaf(1, "é\0".encode())), "outside its texts"),
        (tokenizer(normalizer=precompiled([0xFFFFFFFF] * 2, b"zz")), "outside its table"),
        (tokenizer(normalizer=precompiled([0], b"", length=0x7FFFFFFF)), "cut off"),
        (tokenizer(normalizer=precompiled([0] * 256, b"\xff\0")), "not UTF-8"),
        (tokenizer(normalizer={"type": "Precompiled"}), "without a table"),
        (tokenizer(padding={"strategy": {"Fixed": 2**17 + 1}}), "up to more than 131,072"),
        (tokenizer(padding={"strategy": "x", "pad_to_multiple_of": 4097}), "more than 4,096"),
        (tokenizer(model=None), "no model"),
        (tokenizer(model={"vocab": 0.5}), "no table of tokens"),
        (tokenizer(post_processor={"type": "TemplateProcessing", "pair": 7}), "repeats a text"),
        (tokenizer(model={"vocab": {"a": 2**20}}), "not numbered"),
        (tokenizer(model={"vocab": {"a": -1}}), "not numbered"),
        (tokenizer(added_tokens=[{"id": 2**20, "content": "x"}]), "not numbered"),
        (tokenizer(added_tokens=[{"id": 1, "content": ""}]), "not a text of 1 to 1000"),
        (tokenizer(added_tokens=[{"id": 1, "content": "x" * 1001}]), "not a text of 1 to 1000"),
        (
            tokenizer(post_processor={"type": "TemplateProcessing", "single": [{}] * 17}),
            "repeats a text",
        ),
    ],
    ids=str,
)
def test_input_that_could_exhaust_memory_or_end_the_process_is_refused(
    table: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UnusableConfiguration, match=reason):
        check_tokenizer("tokenizer/tokenizer.json", table)


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(a|a)*$", r"(?:a{1,}){3,}", r"a*a*a*a*b", r"(.*)\1", r"(\w+\s?)*$", "((a)("],
)
def test_a_pattern_that_is_too_slow_on_some_text_is_refused(pattern: str) -> None:
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    with pytest.raises(UnusableConfiguration, match="take too long"):
        check_tokenizer("tokenizer/tokenizer.json", tokenizer(pre_tokenizer=split))
