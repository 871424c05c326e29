"""Words of a prompt that stand for something else: the tokens of embeddings."""

import re
from collections.abc import Iterable

__all__ = ["WordTable"]

# A letter, a digit or an underscore at its side makes it a part of a longer word, and so does a
# hyphen or an apostrophe that joins it to one.
_NOT_BEFORE = r"(?<!\w)(?<!\w['’-])"  # noqa: RUF001 - people type both apostrophes
_NOT_AFTER = r"(?!['’-]?\w)"  # noqa: RUF001


class WordTable:
    """Finds words of a table in texts.

    A word is found where it stands alone: «cat» is neither in «cats» nor in «cat-like», but it is
    in «(a cat, asleep)». A longer word comes before a shorter one. A word is found in any case, as
    in AUTOMATIC1111's web UI, whose tokens have no case; if two words differ in their case alone, a
    text in the case of one of them is that one, and any other is the first of them. Blanks inside a
    word stand for any blanks.

    Args:
        words: The words. A blank one is never found.
    """

    def __init__(self, words: Iterable[str]) -> None:
        own = [word for word in words if word.strip()]
        self._exact = {_key(word): word for word in own}
        self._folded: dict[str, str] = {}
        for word in own:
            self._folded.setdefault(_key(word).casefold(), word)
        patterns = sorted({r"\s+".join(map(re.escape, word.split())) for word in own}, key=len)
        self._pattern = re.compile(
            f"{_NOT_BEFORE}(?:{'|'.join(reversed(patterns))}){_NOT_AFTER}" if own else "(?!)",
            re.IGNORECASE,
        )

    def split(self, text: str) -> tuple[tuple[str, str | None], ...]:
        """Return the parts of a text: (text, None), or (text, the word that it is)."""
        parts: list[tuple[str, str | None]] = []
        done = 0
        for found in self._pattern.finditer(text):
            if (word := self._word(found[0])) is None:
                continue
            if found.start() > done:
                parts.append((text[done : found.start()], None))
            parts.append((found[0], word))
            done = found.end()
        if done < len(text):
            parts.append((text[done:], None))
        return tuple(parts)

    def found_in(self, text: str) -> bool:
        """Return whether the text has one of the words."""
        return any(word is not None for _, word in self.split(text))

    def _word(self, text: str) -> str | None:
        key = _key(text)
        return self._exact.get(key) or self._folded.get(key.casefold())


def _key(word: str) -> str:
    return " ".join(word.split())
