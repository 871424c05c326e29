"""Checks a `tokenizer.json` before the library `tokenizers` reads it.

That library is written in Rust. An error there may be a panic, which reaches Python as a
`BaseException`, or may end the process, as a lack of memory does. So no text may grow without
limit, be matched without end, or lead outside a table. The sections are those of `tokenizers` 0.23,
`Tokenizer.to_str`.
"""

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import Any

from domain.checkpoints.configurations.json_text import UnusableConfiguration

__all__ = ["check_tokenizer"]

_DEEPEST = 8
_MOST_STEPS = 64
_MOST_GROWTH = 16
"""The largest factor of all steps together for a text's length. That of published models is 1."""
_LONGEST_PATTERN = 2000
_MOST_REPEATS = 3
"""The most unbounded repetitions in one alternative of a pattern. The time grows with the text's
length to this power. Published patterns have two."""
_LONGEST_PREPEND = 16
_LONGEST_CHARACTER = 64
"""The most UTF-8 bytes of a normalized character; the longest of NFKC has 33."""
_MOST_TOKENS, _MOST_ADDED = 2**20, 20_000
_LONGEST_TOKEN = 1000
_MOST_PADDING, _MOST_MULTIPLE = 2**17, 4096
_UNENDING = re.compile(r"[*+]|\{\d*,\}")
_QUANTIFIER = re.compile(r"[*+]|\{\d*,?\d*\}")


def check_tokenizer(name: str, table: dict[str, Any]) -> None:
    """Check that no text costs this tokenizer more than a moment and a few megabytes.

    Args:
        name: The name of its file, for messages.
        table: The content of `tokenizer.json`.

    Raises:
        UnusableConfiguration: A text may cost more. The message names the cause.
    """
    steps = [
        step
        for section in ("normalizer", "pre_tokenizer", "post_processor", "decoder")
        for step in _steps(name, table.get(section), 0)
    ]
    if len(steps) > _MOST_STEPS:
        raise _refused(name, f"has {len(steps)} steps; {_MOST_STEPS} are the most")
    growth = 1.0
    for step in steps:
        growth *= _growth(name, step)
        if growth > _MOST_GROWTH:
            raise _refused(name, f"makes a text more than {_MOST_GROWTH} times as long")
    _check_vocabulary(name, table)
    _check_padding(name, table.get("padding"))


def _steps(name: str, section: object, depth: int) -> Iterator[dict[str, Any]]:
    """Yield each step of a section, and the steps of sequences one by one."""
    if section is None:
        return
    if depth > _DEEPEST:
        raise _refused(name, f"is nested more than {_DEEPEST} deep")
    if not isinstance(section, dict):
        raise _refused(name, "has a step that is not a table")
    yield section
    for key in ("normalizers", "pretokenizers", "processors", "decoders"):
        inner = section.get(key)
        if isinstance(inner, list):
            if len(inner) > _MOST_STEPS:
                raise _refused(name, f"has a sequence of {len(inner)} steps")
            for each in inner:
                yield from _steps(name, each, depth + 1)


def _growth(name: str, step: dict[str, Any]) -> float:
    """Return the largest factor by which a step can multiply a text's length."""
    kind = step.get("type")
    if "pattern" in step:
        shortest = _pattern(name, step["pattern"])
        content = step.get("content", "")
        if kind != "Replace" or not isinstance(content, str):
            return 1.0
        return max(1.0, len(content) / shortest if shortest else 1.0 + len(content))
    if kind == "Prepend":
        if len(str(step.get("prepend"))) > _LONGEST_PREPEND:
            raise _refused(name, f"prepends more than {_LONGEST_PREPEND} characters")
    elif kind == "Precompiled":
        _check_precompiled(name, step.get("precompiled_charsmap"))
    elif kind == "TemplateProcessing":
        for template in ("single", "pair"):
            pieces = step.get(template) or []
            if not isinstance(pieces, list) or len(pieces) > _MOST_GROWTH:
                raise _refused(name, "repeats a text in its template")
    return 1.0


def _pattern(name: str, pattern: object) -> int:
    """Return the fewest characters that a pattern matches. Raise if it may match without end."""
    if isinstance(pattern, dict) and isinstance(pattern.get("String"), str):
        return len(pattern["String"])
    text = pattern.get("Regex") if isinstance(pattern, dict) else None
    if not isinstance(text, str):
        raise _refused(name, "has a pattern that is none")
    if len(text) > _LONGEST_PATTERN:
        raise _refused(name, f"has a pattern of more than {_LONGEST_PATTERN} characters")
    if not _is_quick(text):
        raise _refused(name, "has a pattern that some texts take too long to be matched with")
    return 0 if _UNENDING.search(text) or "?" in text or "|" in text or "{" in text else 1


def _is_quick(pattern: str) -> bool:
    """Return whether matching takes at most the cube of the text's length.

    That holds for a pattern without back references, whose alternatives have few repetitions, and
    which repeats no group that itself has a repetition or alternatives.
    """
    if re.search(r"\\[1-9kg]", pattern):
        return False
    plain = re.sub(
        r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", "C", re.sub(r"\\[pP]\{[^}]*\}", "C", pattern)
    )
    plain = re.sub(r"\\.", "C", plain)
    if "[" in plain or "]" in plain:  # nested classes, which no published pattern has
        return False
    open_groups: list[int] = []
    for place, sign in enumerate(plain):
        if sign == "(":
            open_groups.append(place)
        elif sign == ")":
            if not open_groups:
                return False
            group = plain[open_groups.pop() + 1 : place]
            repeated = _QUANTIFIER.match(plain, place + 1)
            if repeated and (_QUANTIFIER.search(group) or "|" in group):
                return False
    return not open_groups and all(
        len(_UNENDING.findall(alternative)) <= _MOST_REPEATS for alternative in plain.split("|")
    )


def _check_precompiled(name: str, text: object) -> None:
    """Check that the automaton of SentencePiece's normalizer stays inside its tables.

    Its form, from `spm_precompiled` and `darts-clone`: 4 bytes with the length of the automaton in
    bytes, its units of 32 bits, then texts that end with a zero. Bit 31 of a unit says whether the
    unit is a value. Its offset is bits 10 to 30, times 256 if bit 9 is set. Bit 8 says that a value
    follows. A search goes from unit i to i ^ offset ^ byte, which is any unit of that block of 256.
    """
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        length = struct.unpack_from("<I", data)[0]
    except (binascii.Error, struct.error) as error:
        raise _refused(name, "has a Precompiled step without a table") from error
    if length % 4 or not length or 4 + length > len(data):
        raise _refused(name, "has a Precompiled step whose table is cut off")
    units = struct.unpack_from(f"<{length // 4}I", data, 4)
    texts = data[4 + length :]
    try:
        pieces = texts.decode("utf-8").encode("utf-8").split(b"\0")
    except UnicodeDecodeError as error:
        raise _refused(name, "has a Precompiled step whose texts are not UTF-8") from error
    if max(map(len, pieces)) > _LONGEST_CHARACTER:
        raise _refused(name, f"makes more than {_LONGEST_CHARACTER} bytes of one character")
    for place, unit in enumerate(units):
        if place and unit >> 31:  # a search begins at the first unit, whatever it is
            continue
        base = place ^ ((unit >> 10) << ((unit & 512) >> 6))
        has_value = unit >> 8 & 1
        if base | 0xFF >= len(units):
            # An unreachable unit is all zero.
            if unit == 0:
                continue
            raise _refused(name, "has a Precompiled step that leads outside its table")
        if has_value:
            value = units[base] & 0x7FFFFFFF
            if value >= len(texts) or texts[value] & 0xC0 == 0x80:
                raise _refused(name, "has a Precompiled step that leads outside its texts")


def _check_vocabulary(name: str, table: dict[str, Any]) -> None:
    model, added = table.get("model"), table.get("added_tokens") or []
    if not isinstance(model, dict) or not isinstance(added, list):
        raise _refused(name, "has no model")
    vocabulary = model.get("vocab") or {}
    if not isinstance(vocabulary, dict | list):
        raise _refused(name, "has no table of tokens")
    if len(vocabulary) > _MOST_TOKENS or len(added) > _MOST_ADDED:
        raise _refused(name, f"has more than {_MOST_TOKENS:,} tokens")
    numbers = vocabulary.values() if isinstance(vocabulary, dict) else ()
    given = [each.get("id") for each in added if isinstance(each, dict)]
    for number in (*numbers, *given):
        if type(number) is not int or not 0 <= number < _MOST_TOKENS:
            raise _refused(name, f"has a token that is not numbered from 0 to {_MOST_TOKENS:,}")
    texts = [each.get("content") for each in added if isinstance(each, dict)]
    if not all(isinstance(text, str) and 0 < len(text) <= _LONGEST_TOKEN for text in texts):
        raise _refused(name, f"has a token that is not a text of 1 to {_LONGEST_TOKEN} characters")


def _check_padding(name: str, padding: object) -> None:
    if not isinstance(padding, dict):
        return
    strategy, multiple = padding.get("strategy"), padding.get("pad_to_multiple_of") or 1
    fixed = strategy.get("Fixed", 0) if isinstance(strategy, dict) else 0
    for number, most in ((fixed, _MOST_PADDING), (multiple, _MOST_MULTIPLE)):
        if type(number) is not int or not 0 <= number <= most:
            raise _refused(name, f"fills texts up to more than {most:,} tokens")


def _refused(name: str, problem: str) -> UnusableConfiguration:
    return UnusableConfiguration(f"its {name} {problem}")
