"""The words of a prompt without its grammar."""

from domain.prompts.attention import WeightedText, weighted_text
from domain.prompts.schedules import PromptSchedule

__all__ = ["readable_text"]


def readable_text(prompt: str) -> str:
    """Return the words of a weighted prompt, for a search in them: those of every step.

    A word that is made of parts, such as «female» in `[fe|]male`, is as the first step has it.
    """
    schedule = PromptSchedule(prompt)
    return " ".join((_words(schedule.at(1, 1)), _words(" ".join(schedule.fragments()))))


def _words(text: str) -> str:
    parts = weighted_text(text)
    return "".join(each.text if isinstance(each, WeightedText) else " " for each in parts)
