"""Reads a tokenizer of SentencePiece (`tokenizer.model`) as the table of a `tokenizer.json`.

Only Gemma's kind is read: byte pairs with a fallback to bytes, and text that is taken as it is.
ComfyUI puts such a file into that of the text encoder, as the tensor `spiece_model`.

The file is a message of `sentencepiece_model.proto` (google/sentencepiece): field 1 is a piece with
its text (1), its score (2) and its type (3); field 2 says how it was trained, with the type of the
model (3); field 3 has the table that normalises characters (2). The table that is made of it is
that of transformers' conversion (`convert_slow_tokenizer.py`, `GemmaConverter`).
"""

import struct
from dataclasses import dataclass
from typing import Any

from domain.checkpoints.configurations.json_text import UnusableConfiguration
from domain.checkpoints.configurations.protobuf import message_fields

__all__ = ["gemma_table"]

_PIECES, _TRAINING, _NORMALISER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _BYTE_PAIRS = 3, 2
_CHARACTERS = 2
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4
_FIRST = ("<pad>", "<eos>", "<bos>", "<unk>")
_BEGIN = _FIRST[2]
_SPECIAL = frozenset({"<start_of_turn>", "<end_of_turn>"})
_SPACE = "\u2581"
_MOST_PIECES, _LONGEST_PIECE, _MOST_BYTES = 2**19, 128, 16 * 2**20
"""Gemma 2 has 256,000 pieces in 4.2 MB. The work for a piece grows as the square of its length."""
_MOST_MERGES = 2**21
"""Gemma 2 has 580,000. Pieces that are all parts of one another could make many millions."""


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    score: float
    type: int


def gemma_table(name: str, content: bytes) -> dict[str, Any]:
    """Return the table of a `tokenizer.json` with the same tokens.

    Args:
        name: The name of the file, for messages.
        content: Its bytes.

    Raises:
        UnusableConfiguration: It is not a tokenizer of Gemma's kind, or is larger than any.
    """
    if len(content) > _MOST_BYTES:
        raise _refused(name, f"has more than {_MOST_BYTES:,} bytes")
    try:
        pieces = _pieces(name, content)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise _refused(name, "is not a tokenizer of SentencePiece") from error
    if tuple(piece.text for piece in pieces[: len(_FIRST)]) != _FIRST:
        raise _refused(name, f"does not begin with {' '.join(_FIRST)}, as Gemma's tokenizer does")
    vocabulary = {piece.text: number for number, piece in enumerate(pieces)}
    if len(vocabulary) < len(pieces):
        raise _refused(name, "has a token twice")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added(number, piece) for number, piece in enumerate(pieces) if _is_added(piece)
        ],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"String": " "},
            "behavior": "MergedWithPrevious",
            "invert": False,
        },
        "post_processor": _begun(vocabulary[_BEGIN]),
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": _merges(name, pieces, vocabulary),
        },
    }


def _begun(number: int) -> dict[str, Any]:
    """Return the step that puts the mark of the beginning before a text."""
    mark = {"SpecialToken": {"id": _BEGIN, "type_id": 0}}
    first, second = ({"Sequence": {"id": each, "type_id": 0}} for each in "AB")
    return {
        "type": "TemplateProcessing",
        "single": [mark, first],
        "pair": [mark, first, mark, second],
        "special_tokens": {_BEGIN: {"id": _BEGIN, "ids": [number], "tokens": [_BEGIN]}},
    }


def _merges(name: str, pieces: list[_Piece], vocabulary: dict[str, int]) -> list[list[str]]:
    """Return every pair of pieces whose union is a piece, the best score of the union first."""
    found = []
    for piece in pieces:
        if piece.type in (_NORMAL, _USER_DEFINED):
            text = piece.text
            for place in range(1, len(text)):
                left, right = text[:place], text[place:]
                if left in vocabulary and right in vocabulary:
                    found.append((-piece.score, vocabulary[left], vocabulary[right], left, right))
            if len(found) > _MOST_MERGES:
                raise _refused(name, "has more pairs of tokens than any tokenizer")
    found.sort(key=lambda each: (each[0], len(each[3]), len(each[4])))
    return [[left, right] for _, _, _, left, right in found]


def _pieces(name: str, content: bytes) -> list[_Piece]:
    pieces, kind = [], None
    for number, value in message_fields(content):
        if number == _PIECES and isinstance(value, bytes):
            pieces.append(_piece(value))
            if len(pieces) > _MOST_PIECES or len(pieces[-1].text) > _LONGEST_PIECE:
                raise _refused(name, "has more tokens, or longer ones, than any tokenizer")
        elif number == _TRAINING and isinstance(value, bytes):
            kind = dict(message_fields(value)).get(_MODEL_TYPE)
        elif number == _NORMALISER and isinstance(value, bytes):
            changes = dict(message_fields(value)).get(_CHARACTERS)
            if changes:
                raise _refused(name, "changes characters, as Gemma's tokenizer does not")
    if kind != _BYTE_PAIRS:
        raise _refused(name, "is not a tokenizer of byte pairs, as Gemma's is")
    return pieces


def _piece(content: bytes) -> _Piece:
    fields = dict(message_fields(content))
    text, score = fields.get(_TEXT, b""), fields.get(_SCORE, b"\0\0\0\0")
    kind = fields.get(_TYPE, _NORMAL)
    if not isinstance(text, bytes) or not isinstance(score, bytes) or not isinstance(kind, int):
        raise IndexError
    return _Piece(text.decode("utf-8"), struct.unpack("<f", score)[0], kind)


def _is_added(piece: _Piece) -> bool:
    return piece.type in (_UNKNOWN, _CONTROL, _USER_DEFINED)


def _added(number: int, piece: _Piece) -> dict[str, Any]:
    return {
        "id": number,
        "content": piece.text,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": piece.type in (_UNKNOWN, _CONTROL) or piece.text in _SPECIAL,
    }


def _refused(name: str, problem: str) -> UnusableConfiguration:
    return UnusableConfiguration(f"its {name} {problem}")
