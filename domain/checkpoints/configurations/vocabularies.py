"""The small files of a diffusers folder, and the vocabularies of its tokenizers among them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from domain.checkpoints.configurations.json_text import UnusableConfiguration, json_object
from domain.checkpoints.configurations.rules import MOST_TOKENS
from domain.checkpoints.configurations.t5_pieces import (
    PIECES,
    extra_tokens,
    has_pieces_alone,
    tokenizer_of_t5,
)
from domain.checkpoints.configurations.tokenizer import check_tokenizer

__all__ = [
    "CONFIGURATION_BYTES",
    "INDEX",
    "TOKENIZER_BYTES",
    "VOCABULARIES",
    "SmallFiles",
    "check_pieces",
    "check_vocabulary_file",
    "is_large",
]

VOCABULARIES = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})
"""The files whose values are tokens."""
INDEX = ".index."
"""A part of the names of indexes of shards, such as `….index.json` and `….index.fp16.json`."""
CONFIGURATION_BYTES, TOKENIZER_BYTES = 4 * 2**20, 64 * 2**20
"""The most bytes of a configuration file, and of a file of a tokenizer."""
# Commas and opening brackets. A vocabulary of 2**18 tokens with 2**19 merges, each a pair, has
# about 1.9 million of them.
_MOST_MARKS, _MOST_FIELDS = 3_000_000, MOST_TOKENS + 2**18


class SmallFiles:
    """The tables in the JSON files of one folder."""

    def __init__(self, paths: Collection[str], read: Callable[[str, int], bytes]) -> None:
        self._paths = paths
        self._read = read

    def table(self, path: str) -> dict[str, Any]:
        """Return the JSON object in the file at a path."""
        most = TOKENIZER_BYTES if is_large(path) else CONFIGURATION_BYTES
        content = self._read(path, most + 1)
        if len(content) > most:  # the file has grown since its size was read
            raise _refused(path, f"has more than {most:,} bytes")
        if is_large(path):
            return json_object(path, content, most_marks=_MOST_MARKS, most_fields=_MOST_FIELDS)
        return json_object(path, content)

    def content(self, path: str) -> bytes:
        """Return the content of a vocabulary."""
        return self._read(path, TOKENIZER_BYTES)

    def encoder_of(self, part: str) -> dict[str, Any]:
        """Return the configuration of a tokenizer's text encoder, or an empty one."""
        path = f"{part.replace('tokenizer', 'text_encoder')}/config.json"
        return self.table(path) if path in self._paths else {}


def is_large(path: str) -> bool:
    """Return whether a file with this path may be as large as a vocabulary."""
    name = path.rpartition("/")[2]
    return name in VOCABULARIES or INDEX in name


def check_vocabulary_file(part: str, name: str, files: SmallFiles) -> None:
    """Check that the text encoder's table has a row for the number of each token.

    On a GPU, a number without a row ends all work of the process.

    Raises:
        UnusableConfiguration: It has none, or the vocabulary exceeds a bound.
    """
    is_tokenizer = name.endswith("/tokenizer.json")
    is_read = part.startswith("tokenizer") and "/" not in part
    if not is_tokenizer and not is_read:
        return
    table = files.table(name)
    if is_tokenizer:
        check_tokenizer(name, table)
    if is_read:
        _check_numbers(part, name, table, files)


def check_pieces(
    part: str, about: Mapping[str, Any], sizes: Mapping[str, int], files: SmallFiles
) -> None:
    """Check the tokenizer that is made of `spiece.model`, where that is the only vocabulary.

    Args:
        part: The folder of the tokenizer.
        about: The content of its `tokenizer_config.json`.
        sizes: The size of each file of the whole folder in bytes, by path.
        files: The small files.

    Raises:
        UnusableConfiguration: The vocabulary is not whole, or exceeds a bound.
    """
    inside = {path.removeprefix(f"{part}/") for path in sizes if path.startswith(f"{part}/")}
    if not has_pieces_alone(inside):
        return
    name = f"{part}/{PIECES}"
    if sizes[name] > TOKENIZER_BYTES:
        raise _refused(name, f"has more than {TOKENIZER_BYTES:,} bytes")
    table = tokenizer_of_t5(name, files.content(name), extra_tokens(about))
    check_tokenizer(name, table)
    _check_numbers(part, name, table, files)


def _check_numbers(part: str, name: str, table: dict[str, Any], files: SmallFiles) -> None:
    highest = max(_token_numbers(table), default=0)
    network = files.encoder_of(part)
    inner = network.get("text_config")
    size = network.get("vocab_size", inner.get("vocab_size") if isinstance(inner, dict) else None)
    if type(size) is int and highest >= size:
        raise _refused(name, f"numbers a token {highest:,}; its text encoder has {size:,}")
    if highest > MOST_TOKENS:
        raise _refused(name, f"numbers a token {highest:,}; {MOST_TOKENS:,} are the most")


def _token_numbers(table: Mapping[str, Any]) -> Iterator[int]:
    """Return the numbers of all tokens of a `tokenizer.json`, or of a table of numbers by token."""
    model = table.get("model")
    if not isinstance(model, dict):
        yield from (each for each in table.values() if type(each) is int)
        return
    words, added = model.get("vocab"), table.get("added_tokens")
    if isinstance(words, list):  # a Unigram model, where a token's index is its number
        yield len(words) - 1
    elif isinstance(words, dict):
        yield from (each for each in words.values() if type(each) is int)
    for each in added if isinstance(added, list) else ():
        if isinstance(each, dict) and type(each.get("id")) is int:
            yield each["id"]


def _refused(name: str, problem: str) -> UnusableConfiguration:
    return UnusableConfiguration(f"its {name} {problem}")
