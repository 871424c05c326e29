"""Maps the OpenAI API's qualities to numbers of steps.

The qualities are those of `openai` 3.54, `types/image_generate_params.py`.
"""

import math
from collections.abc import Mapping

from domain.generation.fields import integers

__all__ = ["QUALITIES", "steps_of", "told_quality"]

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


def steps_of(quality: str, default: int) -> int:
    """Return the steps of a quality, within the limits of a request; a half is rounded up."""
    limit = integers("num_inference_steps")
    steps = math.floor(default * QUALITIES[quality] + 0.5)
    return min(max(steps, limit.minimum), limit.maximum)


def told_quality(asked: str | None, *, auto: str = "auto") -> str:
    """Return the quality for the answer to a request with this quality.

    It is `auto` for a request without one. Some answers of that API have another word for it.
    """
    return auto if asked in (None, "auto") else _OLD.get(asked, asked)
