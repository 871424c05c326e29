"""The fields of a card, which come from strangers."""

from collections.abc import Mapping

from domain.models.card import LONGEST_DESCRIPTION, ModelCard

__all__ = ["MAX_PROMPTS", "MAX_TEXT", "MAX_WORDS", "card_of", "one_line"]

MAX_TEXT = LONGEST_DESCRIPTION
"""Characters of a description, and of a sample prompt: the longest prompt of `/v1`."""

MAX_PROMPTS = 20
MAX_WORDS = 5000
_LONGEST_WORD = 50


def card_of(fields: Mapping[str, object]) -> ModelCard:
    """Return the card in `description`, `sample_prompts` and `known_words`.

    Values of another type, empty ones and too long ones are skipped, but a long description is
    truncated. Line ends and other control characters become spaces.
    """
    description = one_line(fields.get("description"))
    if description is not None and len(description) > MAX_TEXT:
        description = description[: MAX_TEXT - 1] + "…"
    return ModelCard(
        description=description,
        sample_prompts=_texts(fields.get("sample_prompts"), most=MAX_PROMPTS, longest=MAX_TEXT),
        known_words=_texts(fields.get("known_words"), most=MAX_WORDS, longest=_LONGEST_WORD),
    )


def _texts(value: object, *, most: int, longest: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    lines = (one_line(each) for each in value[:most])
    return tuple(dict.fromkeys(line for line in lines if line and len(line) <= longest))


def one_line(value: object) -> str | None:
    """Return a text as one line of valid UTF-8; None if it is empty or not a text."""
    if not isinstance(value, str):
        return None
    # JSON can contain half of a surrogate pair, which no answer can.
    whole = value.encode(errors="replace").decode()
    printable = "".join(sign if sign.isprintable() else " " for sign in whole)
    return " ".join(printable.split()) or None
