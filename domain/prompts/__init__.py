"""The grammar of weighted prompts, as AUTOMATIC1111's web UI has it.

A prompt is read in two stages. `PromptSchedule` reads what changes with the steps: `[from:to:when]`
and `[a|b]`. Each of its texts is then read by `weighted_text`: emphasis, escapes and `BREAK`. The
first stage leaves the other brackets and the escapes to the second. `take_extra_networks` comes
before both: it removes `<lora:name:0.8>`.

Every function here takes each text: nothing is an error. The time that it takes grows with the
length of the text, and not faster.
"""

from domain.prompts.attention import BREAK, LARGEST_WEIGHT, WeightedText, weighted_text
from domain.prompts.extra_networks import ExtraNetwork, take_extra_networks
from domain.prompts.reading import readable_parts
from domain.prompts.schedules import PromptSchedule, StepText
from domain.prompts.words import WordTable

__all__ = [
    "BREAK",
    "LARGEST_WEIGHT",
    "ExtraNetwork",
    "PromptSchedule",
    "StepText",
    "WeightedText",
    "WordTable",
    "readable_parts",
    "take_extra_networks",
    "weighted_text",
]
