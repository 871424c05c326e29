"""Writes small tokenizers of SentencePiece (`sentencepiece_model.proto`)."""

import struct
from collections.abc import Iterable

__all__ = ["BYTE_PAIRS", "gemma_pieces", "spiece_model"]

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
BYTE_PAIRS = 2
_WORDS = ("\u2581fox", "\u2581red", "\u2581blue", "\u2581over", "superior")


def gemma_pieces() -> list[tuple[str, int]]:
    """The text and the type of each piece of a small tokenizer of Gemma's kind.

    After the marks come the 256 bytes, the letters, and the beginnings of some words.
    """
    marks = [("<pad>", CONTROL), ("<eos>", CONTROL), ("<bos>", CONTROL), ("<unk>", UNKNOWN)]
    symbols = [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    letters = [("\u2581", NORMAL), *((chr(code), NORMAL) for code in range(97, 123))]
    begun = {word[:end]: None for word in _WORDS for end in range(2, len(word) + 1)}
    return marks + symbols + letters + [(text, NORMAL) for text in begun]


def spiece_model(
    pieces: Iterable[tuple[str, int]], *, kind: int = BYTE_PAIRS, characters: bytes = b""
) -> bytes:
    """Return the file of a tokenizer.

    Args:
        pieces: The text and the type of each piece. The score of a piece is less than that of the
            piece before it.
        kind: The type of the model: 2 for byte pairs, 1 for Unigram.
        characters: The table that normalises characters.
    """
    messages = []
    for number, (text, of_piece) in enumerate(pieces):
        stored = text.encode("utf-8")
        message = b"\x0a" + _varint(len(stored)) + stored
        message += b"\x15" + struct.pack("<f", -float(number)) + b"\x18" + _varint(of_piece)
        messages.append(b"\x0a" + _varint(len(message)) + message)
    training = b"\x18" + _varint(kind)
    messages.append(b"\x12" + _varint(len(training)) + training)
    normaliser = b"\x12" + _varint(len(characters)) + characters
    messages.append(b"\x1a" + _varint(len(normaliser)) + normaliser)
    return b"".join(messages)


def _varint(number: int) -> bytes:
    content = b""
    while number > 0x7F:
        content += bytes([number & 0x7F | 0x80])
        number >>= 7
    return content + bytes([number])
