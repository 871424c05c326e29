"""Maps the OpenAI API's qualities to factors of the number of steps.

The qualities are those of `openai` 3.54, `types/image_generate_params.py`.
"""

from collections.abc import Mapping

__all__ = ["QUALITIES", "told_quality"]

QUALITIES: Mapping[str, float] = {
    "auto": 1.0,
    "standard": 1.0,
    "medium": 1.0,
    "low": 0.5,
    "high": 1.5,
    "hd": 1.5,
    "xhigh": 2.0,
    "max": 2.0,
}
"""The factor of each quality; it multiplies the default number of steps."""

_OLD = {"standard": "medium", "hd": "high"}
"""Qualities that answers of that API do not have, with those of the same number of steps."""


def told_quality(asked: str | None, *, auto: str = "auto") -> str:
    """Return the quality for the answer to a request with this quality.

    It is `auto` for a request without one. Some answers of that API have another word for it.
    """
    return auto if asked in (None, "auto") else _OLD.get(asked, asked)
