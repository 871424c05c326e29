"""The words of a prompt without its grammar."""

from domain.prompts.attention import WeightedText, weighted_text
from domain.prompts.schedules import PromptSchedule

__all__ = ["readable_parts"]


def readable_parts(prompt: str) -> tuple[str, ...]:
    """Return the texts of a weighted prompt, for a search in them: those of every step.

    A part is a text of one weight. Joined, they are the words without brackets. A word that is
    made of parts, such as «female» in `[fe|]male`, is as the first step has it.
    """
    schedule = PromptSchedule(prompt)
    first = schedule.at(1, 1)
    if schedule.is_constant:
        return _parts(first)
    return (*_parts(first), " ", *_parts(" ".join(schedule.fragments())))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(
        each.text if isinstance(each, WeightedText) else " " for each in weighted_text(text)
    )
