"""The files of a tokenizer."""

import json
from collections.abc import Callable, Collection, Mapping

from adapters.filesystem.headers.values import shown
from domain.checkpoints.configurations import PIECES, has_pieces_alone

__all__ = ["tokenizer_problem"]

_FAST = "tokenizer.json"
_ABOUT = "tokenizer_config.json"
_BYTE_PAIRS = ("vocab.json", "merges.txt")
_WORDS = "vocab.txt"
# `vocab_files_names` of transformers' tokenizers, by the start of the class's name.
_VOCABULARIES: Mapping[str, tuple[str, ...]] = {
    "CLIP": _BYTE_PAIRS,
    "Qwen2": _BYTE_PAIRS,
    "GPT2": _BYTE_PAIRS,
    "T5": (PIECES,),
    "Gemma": ("tokenizer.model",),
    "Llama": ("tokenizer.model",),
    "Bert": (_WORDS,),
}
_WORD_END = "</w>"
_MOST_BYTES = 64 * 2**20
"""Bytes of a vocabulary that is read; `check_folder` refuses a larger one."""


def tokenizer_problem(
    part: str,
    name: object,
    files: Collection[str],
    read: Callable[[str, int], bytes],
    vocabulary: object = None,
) -> str | None:
    """Return which files a tokenizer lacks; without them the library makes one that knows no word.

    Where `tokenizer.json` is present, it alone is read.

    Args:
        part: The name of its folder.
        name: The class in `model_index.json`.
        files: The names of the files in its folder.
        read: Returns the first bytes of one of them, at most a number.
        vocabulary: The number of tokens of its text encoder, as its configuration says.
    """
    if _FAST in files:
        return None if _ABOUT in files else f"its {part}/{_ABOUT} is missing"
    start = next((each for each in _VOCABULARIES if str(name).startswith(each)), None)
    if start is not None:
        wanted = _VOCABULARIES[start]
    else:
        known = (each for each in _VOCABULARIES.values() if set(each) <= set(files))
        wanted = next(known, (_FAST,))
    absent = [each for each in wanted if each not in files]
    if absent:
        names = " and ".join(f"{part}/{each}" for each in absent)
        whole = "" if _FAST in absent else f", and {part}/{_FAST} is not there in place of it"
        return f"its {names} {'are' if absent[1:] else 'is'} missing{whole}"
    if _ABOUT not in files:
        return f"its {part}/{_ABOUT} is missing"
    if wanted == _BYTE_PAIRS:
        return _pairs_problem(part, read)
    if wanted == (_WORDS,):
        return _words_problem(part, read(_WORDS, _MOST_BYTES), vocabulary)
    if wanted == (PIECES,) and has_pieces_alone(files):
        return None  # `check_folder` reads them
    # https://github.com/google/sentencepiece: a library that the service does not have reads it.
    return f"its {part}/{_FAST} is missing, and {part}/{wanted[0]} alone is not read here"


def _pairs_problem(part: str, read: Callable[[str, int], bytes]) -> str | None:
    """Return why the pairs of a byte-pair encoding do not make its vocabulary.

    Each token is a character, the join of a pair, or a special token in angle brackets. With pairs
    missing, the library reads most words letter by letter, and the picture is another.
    """
    vocabulary, merges = (f"{part}/{each}" for each in _BYTE_PAIRS)
    try:
        tokens = json.loads(read(_BYTE_PAIRS[0], _MOST_BYTES))
        lines = read(_BYTE_PAIRS[1], _MOST_BYTES).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return f"its {merges} is not whole: it does not end as UTF-8 does"
    except (ValueError, RecursionError):
        return f"its {vocabulary} is not JSON"
    if not isinstance(tokens, dict):
        return f"its {vocabulary} is not a table of tokens"
    pairs = [line.split(" ") for line in lines if line.strip() and not line.startswith("#version")]
    for pair in pairs:
        if len(pair) != 2 or not {*pair, "".join(pair)} <= tokens.keys():
            return (
                f"its {merges} is not whole: its pair '{shown(' '.join(pair))}' makes no token of "
                f"{vocabulary}"
            )
    made = {"".join(pair) for pair in pairs}
    lost = [token for token in tokens if token not in made and not _is_given(token)]
    if lost:
        return (
            f"its {merges} is not whole: no pair makes {len(lost):,} tokens of {vocabulary}, such "
            f"as '{shown(lost[0])}'"
        )
    return None


def _is_given(token: str) -> bool:
    is_special = token.startswith("<") and token.endswith(">")
    return is_special or len(token.removesuffix(_WORD_END)) <= 1


def _words_problem(part: str, words: bytes, vocabulary: object) -> str | None:
    count = len(words.splitlines())
    if type(vocabulary) is not int or count >= vocabulary:
        return None
    return (
        f"its {part}/{_WORDS} is not whole: it has {count:,} words, and the text encoder knows "
        f"{vocabulary:,}"
    )
