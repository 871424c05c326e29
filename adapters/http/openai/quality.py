"""What that API's words for the quality mean here: more steps, or fewer.

The words are those of `openai` 3.54, `types/image_generate_params.py`, and of the models after it.
"""

import math
from collections.abc import Mapping

from domain.generation.fields import integers

__all__ = ["QUALITIES", "steps_of"]

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
"""How many times the default steps each word stands for."""


def steps_of(quality: str, default: int) -> int:
    """The steps that a word stands for, within the bounds of a request; a half is rounded up."""
    limit = integers("num_inference_steps")
    steps = math.floor(default * QUALITIES[quality] + 0.5)
    return min(max(steps, limit.minimum), limit.maximum)
