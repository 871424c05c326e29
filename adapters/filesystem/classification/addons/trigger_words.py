"""The words that call for what a LoRA was trained with.

`modelspec.trigger_phrase` is a field of ModelSpec (https://github.com/Stability-AI/ModelSpec).
`ss_tag_frequency` is what kohya-ss/sd-scripts writes: a JSON object with, for each folder of
training pictures, an object that counts how often each tag of its captions occurs.
"""

import json
from collections import Counter
from collections.abc import Mapping

from adapters.filesystem.cards.fields import one_line

__all__ = ["MOST_WORDS", "trigger_words"]

MOST_WORDS = 24
"""The most words that are kept: as many as a person looks through."""
_LONGEST_WORD = 100
_LONGEST_TABLE, _MOST_ENTRIES = 4_000_000, 200_000
"""Characters and values of a table of tags; a larger one is ignored. Tables of big trainings have
some 20,000 tags in half a million characters."""
_MOST_TIMES = 10**9


def trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words, the best ones first; empty if the metadata has none.

    A trigger phrase is split at its commas, and its words keep their order. Without a phrase, the
    tags of the training follow by their frequency, and those of equal frequency by the alphabet.
    Malformed values are left out.
    """
    if phrase := metadata.get("modelspec.trigger_phrase", ""):
        words = phrase[: MOST_WORDS * (_LONGEST_WORD + 1)].split(",")
        if found := _kept(words):
            return found
    counts = _counts(metadata.get("ss_tag_frequency", ""))
    return _kept(sorted(counts, key=lambda word: (-counts[word], word))[: 4 * MOST_WORDS])


def _kept(words: list[str]) -> tuple[str, ...]:
    lines = (one_line(word) for word in words)
    whole = (line for line in lines if line is not None and len(line) <= _LONGEST_WORD)
    return tuple(dict.fromkeys(whole))[:MOST_WORDS]


def _counts(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    if len(text) > _LONGEST_TABLE or sum(map(text.count, ",[{")) > _MOST_ENTRIES:
        return counts
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        return counts
    for tags in table.values() if isinstance(table, dict) else ():
        for tag, times in tags.items() if isinstance(tags, dict) else ():
            if type(times) is int and 0 < times < _MOST_TIMES:
                counts[tag.strip()] += times
    return counts
