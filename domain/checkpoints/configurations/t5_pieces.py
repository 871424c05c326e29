"""Turns the vocabulary of SentencePiece into a `tokenizer.json`, for T5.

Folders of 2023, such as those of PixArt, have `spiece.model` alone. It is a message of Protocol
Buffers (google/sentencepiece, `sentencepiece_model.proto`). The steps of the tokenizer are those of
transformers' `T5Tokenizer` (`tokenization_t5.py`), and the file has the form of the library
`tokenizers`.
"""

import base64
import struct
from collections.abc import Collection, Mapping
from typing import Any

from domain.checkpoints.configurations.json_text import UnusableConfiguration
from domain.checkpoints.configurations.protobuf import message_fields

__all__ = ["PIECES", "extra_tokens", "has_pieces_alone", "tokenizer_of_t5"]

PIECES = "spiece.model"
"""The name of the file."""
_OTHERS = frozenset({"tokenizer.json", "vocab.json", "vocab.txt"})
_EXTRA_TOKENS = 100
"""The tokens that T5 has in addition to its pieces."""
_PIECE, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _UNIGRAM = 3, 1
_CHARACTERS = 2
_NORMAL, _UNKNOWN, _CONTROL, _USER, _BYTE = 1, 2, 3, 4, 6
_MOST_PIECES, _LONGEST_PIECE = 2**20, 1000
_END = "</s>"
_SPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}


def has_pieces_alone(files: Collection[str]) -> bool:
    """Return whether the pieces are the only vocabulary among the files of a tokenizer's folder."""
    return PIECES in files and _OTHERS.isdisjoint(files)


def extra_tokens(about: Mapping[str, object]) -> int:
    """Return the number of extra tokens by the content of `tokenizer_config.json`."""
    told = about.get("extra_ids", _EXTRA_TOKENS)
    return told if type(told) is int and 0 <= told <= _MOST_PIECES else _EXTRA_TOKENS


def tokenizer_of_t5(name: str, content: bytes, extra: int) -> dict[str, Any]:
    """Return the content of the `tokenizer.json` of a T5 tokenizer.

    Args:
        name: The name of the file, for messages.
        content: The content of `spiece.model`.
        extra: The number of tokens `<extra_id_…>` that follow the pieces.

    Raises:
        UnusableConfiguration: The file is not a whole vocabulary of this kind.
    """
    pieces, characters, is_unigram = _parsed(name, content)
    unknown = [place for place, (_, _, kind) in enumerate(pieces) if kind == _UNKNOWN]
    texts = [text for text, _, _ in pieces]
    if not is_unigram or len(unknown) != 1 or _END not in texts or len(set(texts)) < len(texts):
        raise _refused(name, "is not the vocabulary of a T5 tokenizer")
    special = {place for place, (_, _, kind) in enumerate(pieces) if kind in (_UNKNOWN, _CONTROL)}
    added = {place for place, (_, _, kind) in enumerate(pieces) if kind == _USER} | special
    vocabulary: list[list[object]] = [[text, score] for text, score, _ in pieces]
    for number in reversed(range(extra)):
        special.add(len(vocabulary))
        added.add(len(vocabulary))
        vocabulary.append([f"<extra_id_{number}>", 0.0])
    end = {"SpecialToken": {"id": _END, "type_id": 0}}
    texts_of = [{"Sequence": {"id": each, "type_id": 0}} for each in "AB"]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(place, vocabulary, special) for place in sorted(added)],
        "normalizer": (
            {
                "type": "Precompiled",
                "precompiled_charsmap": base64.b64encode(characters).decode(),
            }
            if characters
            else None
        ),
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, _SPACE],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [texts_of[0], end],
            "pair": [texts_of[0], end, texts_of[1], end],
            "special_tokens": {_END: {"id": _END, "ids": [texts.index(_END)], "tokens": [_END]}},
        },
        "decoder": _SPACE,
        "model": {
            "type": "Unigram",
            "unk_id": unknown[0],
            "vocab": vocabulary,
            "byte_fallback": False,
        },
    }


def _added(place: int, vocabulary: list[list[object]], special: set[int]) -> dict[str, object]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    content = vocabulary[place][0]
    return {"id": place, "content": content, **flags, "special": place in special}


def _parsed(name: str, content: bytes) -> tuple[list[tuple[str, float, int]], bytes, bool]:
    """Return text, score and type of each piece, the table of characters, and if it is unigram."""
    pieces: list[tuple[str, float, int]] = []
    characters, is_unigram, ends = b"", True, set()
    try:
        for field, value in message_fields(content):
            ends.add(field)
            if field == _PIECE and isinstance(value, bytes):
                pieces.append(_piece(value))
                if len(pieces) > _MOST_PIECES:
                    raise _refused(name, f"has more than {_MOST_PIECES:,} pieces")
            elif field == _TRAINER and isinstance(value, bytes):
                is_unigram = dict(message_fields(value)).get(_MODEL_TYPE, _UNIGRAM) == _UNIGRAM
            elif field == _NORMALIZER and isinstance(value, bytes):
                found = dict(message_fields(value)).get(_CHARACTERS, b"")
                characters = found if isinstance(found, bytes) else b""
    except (ValueError, IndexError, struct.error) as error:
        raise _refused(name, "is cut off or damaged") from error
    # The writer puts these two messages behind the pieces.
    if not pieces or not {_TRAINER, _NORMALIZER} <= ends:
        raise _refused(name, "is cut off, or is not a vocabulary of SentencePiece")
    return pieces, characters, is_unigram


def _piece(message: bytes) -> tuple[str, float, int]:
    values = dict(message_fields(message))
    text, score = values.get(_TEXT, b""), values.get(_SCORE, bytes(4))
    kind = values.get(_TYPE, _NORMAL)
    if not isinstance(text, bytes) or not isinstance(score, bytes) or not isinstance(kind, int):
        raise ValueError("not a piece")
    if len(text) > _LONGEST_PIECE or kind == _BYTE:
        raise ValueError("not a piece of T5")
    return text.decode("utf-8"), float(struct.unpack("<f", score)[0]), kind


def _refused(name: str, fault: str) -> UnusableConfiguration:
    return UnusableConfiguration(f"its {name} {fault}")
